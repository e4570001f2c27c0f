"""Members of an archive by the patterns of mtdata's index, and out of it those that no reader opens where they are.

Only the members asked for are taken out, under names of our own: what an archive says of places, links and owners is
not obeyed.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import xxhash

from data_prep.readers.compression import BLOCK
from data_prep.readers.opening import blocks_of, expanded_blocks
from data_prep.readers.zip_members import member_blocks, open_zip, shown
from mtdeep.durable import write_atomically
from mtdeep.errors import UserError

_LONGEST_NAME = 50  # characters of a member's name that a file keeps; its ending says how it is packed


def is_zip(archive: Path) -> bool:
    """Tell a zip archive from a tar."""
    return zipfile.is_zipfile(archive)


def zip_members(archive: Path, patterns: Sequence[str]) -> list[str]:
    """Return the member that each pattern means. Raises UserError for one that means none or several."""
    with open_zip(archive) as opened:
        names = [info.filename for info in opened.infolist() if not info.is_dir()]
    found = {pattern: [name for name in names if fnmatchcase(name, pattern)] for pattern in patterns}
    return _one_each(archive, found, names)


def take_out(archive: Path, patterns: Sequence[str], into: Path) -> list[Path]:
    """Write the member that each pattern means into a folder; return the files.

    Raises UserError for a damaged archive or a bomb, and for a pattern that means no member or several.
    """
    if is_zip(archive):
        with open_zip(archive) as opened:
            return [_write(into, m, member_blocks(archive, opened, m)) for m in zip_members(archive, patterns)]
    return _take_out_of_tar(archive, patterns, into)


def _take_out_of_tar(archive: Path, patterns: Sequence[str], into: Path) -> list[Path]:
    """Do so in one pass over a tar, which has no table of contents and may be compressed as a whole."""
    found: dict[str, list[str]] = {pattern: [] for pattern in patterns}
    names: list[str] = []
    blocks = expanded_blocks(archive)
    stream = io.BufferedReader(_Stream(blocks), BLOCK)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as opened:
            for member in opened:
                if not member.isreg() or member.issparse():  # a hole of any size costs an archive nothing
                    continue
                name = member.name.removeprefix("./")
                names.append(name)
                meant = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
                for pattern in meant:
                    found[pattern].append(name)
                if meant and (content := opened.extractfile(member)):
                    _write(into, name, blocks_of(content))
        for _ in blocks:  # behind the tar's own end stands the checksum of what it is compressed with
            pass
    except tarfile.TarError as error:
        raise UserError(f"{archive}: no whole archive that can be read ({error}); fetch it again") from error
    return [_place(into, name) for name in _one_each(archive, found, names)]


def _one_each(archive: Path, found: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[str]:
    for pattern, meant in found.items():
        if len(meant) != 1:
            how = "no member" if not meant else f"{len(meant)} members"
            raise UserError(f"{archive}: {how} {pattern!r} among {shown(names)}; mtdata's index may be out of date")
    return [meant[0] for meant in found.values()]


def _write(into: Path, member: str, blocks: Iterable[bytes]) -> Path:
    def copy(path: Path) -> None:
        with path.open("wb") as file:
            file.writelines(blocks)

    path = _place(into, member)
    into.mkdir(exist_ok=True)
    write_atomically(path, copy)
    return path


def _place(into: Path, member: str) -> Path:
    """Return where a member goes: in *into* itself, whatever its name, and beside others of that name."""
    return into / f"{xxhash.xxh3_64_hexdigest(member.encode())}-{PurePosixPath(member).name[-_LONGEST_NAME:]}"


class _Stream(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._left = self._left or next(self._blocks, b"")
        taken = self._left[: len(buffer)]
        buffer[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)
