"""Members of a zip archive, read where they are; what is damaged, encrypted or a bomb is refused in one sentence.

`zipfile` reads what the directory at the end lists, and passes over all else without a word: what stands before the
first member or behind the directory, which may be another archive.
"""

from __future__ import annotations

import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from data_prep.readers.compression import FORMATS, Compression, compression_of
from data_prep.readers.foreign import HEAD, ZIP
from data_prep.readers.opening import blocks_of, expands_too_much, kind_of, most_bytes, text_blocks
from data_prep.readers.rows import on_one_line
from mtdeep.errors import UserError

_END, _END_RECORD = b"PK\5\6", 22  # what ends an archive, and its bytes without the comment
_MARKER = 4  # bytes of a mark that an archive in one part may begin with, having been meant for several


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Give the archive at *path*. Raises UserError for what is none, and for one with something around it."""
    with _problems(path):
        if not zipfile.is_zipfile(path) and (kind := kind_of(path)) and kind is not ZIP:
            raise UserError(f"{path}: {kind.name}, no zip archive; {kind.remedy}")
        archive = zipfile.ZipFile(path)
    with archive:
        _check_ends(path, archive)
        yield archive


def _check_ends(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise UserError where bytes stand before the first member or behind the directory."""
    before = min((info.header_offset for info in archive.infolist()), default=0)
    with _problems(path), path.open("rb") as file:
        file.seek(-_END_RECORD - len(archive.comment), os.SEEK_END)
        is_last = file.read(len(_END)) == _END
    if before > _MARKER or not is_last:
        where = "behind it" if before <= _MARKER else f"before its first member, {before:,} of them,"
        raise UserError(f"{path}: bytes stand {where} that are not of this zip archive; unpack it, and give its files")


def member_text(path: Path, archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """Yield the text in a member, as `text_blocks` has it: a member may be compressed by itself."""
    size = _info(path, archive, member).compress_size
    yield from text_blocks(member_blocks(path, archive, member), f"{path}/{member}", size)


def member_blocks(path: Path, archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """Yield the content of a member of the archive at *path*, in blocks.

    Raises UserError for a member that is not there or there twice, is damaged, encrypted or a bomb.
    """
    info = _info(path, archive, member)
    bound, expanded = most_bytes(info.compress_size), 0
    with _problems(path), archive.open(info) as file:
        for block in blocks_of(file):
            expanded += len(block)
            if expanded > bound:
                raise UserError(expands_too_much(f"{path}/{member}"))
            yield block


def libraries_within(path: Path) -> set[str]:
    """Return the libraries that decompress members of the archive at *path*, where Python's own modules do not."""
    try:
        with open_zip(path) as archive, _problems(path):
            kinds: list[Compression | None] = [
                compression_of(_head(archive, info)) for info in archive.infolist() if not info.is_dir()
            ]
    except UserError:
        kinds = list(FORMATS)  # any of them: reading says what is wrong, if it comes to that member
    return {kind.library for kind in kinds if kind and kind.library}


def _head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        return file.read(HEAD)


def _info(path: Path, archive: zipfile.ZipFile, member: str) -> zipfile.ZipInfo:
    names = archive.namelist()
    if names.count(member) != 1:
        how = "no member" if member not in names else f"{names.count(member)} members"
        raise UserError(f"{path}: {how} {member!r} among {shown(names)}; name another, or unpack it")
    return archive.getinfo(member)


def shown(names: Sequence[str]) -> str:
    """Return an archive's names as a sentence to the user may hold them."""
    return on_one_line(", ".join(names)) or "no members"


@contextmanager
def _problems(path: Path) -> Iterator[None]:
    """Turn what zipfile raises into one sentence."""
    try:
        yield
    except RuntimeError as error:  # encrypted, or compressed in a way that zipfile does not know
        raise UserError(f"{path}: a zip archive that is not read ({error}); unpack it, and give its files") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        # Its ValueError means a name that is no text.
        raise UserError(f"{path}: no whole zip archive that can be read ({error}); fetch it again") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error}); correct the path or its permissions") from error
