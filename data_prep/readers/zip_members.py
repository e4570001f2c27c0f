"""Members of a zip archive, read where they are; what is damaged, encrypted or a bomb is told in one sentence."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from data_prep.readers.opening import blocks_of, expands_too_much, most_bytes
from data_prep.readers.rows import on_one_line
from mtdeep.errors import UserError


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Give the archive at *path*. Raises UserError for what is none."""
    with _problems(path):
        archive = zipfile.ZipFile(path)
    with archive:
        yield archive


def member_blocks(path: Path, archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """Yield the content of a member of the archive at *path*, in blocks.

    Raises UserError for a member that is not there, is damaged, encrypted or a bomb.
    """
    try:
        info = archive.getinfo(member)
    except KeyError:
        names = shown(archive.namelist())
        raise UserError(f"{path}: no member {member!r} among {names}; name one of these") from None
    bound, expanded = most_bytes(info.compress_size), 0
    with _problems(path), archive.open(info) as file:
        for block in blocks_of(file):
            expanded += len(block)
            if expanded > bound:
                raise UserError(expands_too_much(f"{path}/{member}"))
            yield block


def shown(names: Sequence[str]) -> str:
    """Return an archive's names as a sentence to the user may hold them."""
    return on_one_line(", ".join(names)) or "no members"


@contextmanager
def _problems(path: Path) -> Iterator[None]:
    """Turn what zipfile raises into one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError) as error:
        # zipfile's RuntimeError means "encrypted" or an unknown compression, its ValueError a name that is no text.
        raise UserError(f"{path}: no whole zip archive that can be read ({error}); fetch it again") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error}); correct the path or its permissions") from error
