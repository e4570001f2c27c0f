"""The bytes of an input file, decompressed, a block at a time; what breaks off or is a bomb is told in one sentence."""

from __future__ import annotations

import gzip
import lzma
import os
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from mtdeep.errors import UserError

BLOCK = 1 << 18  # bytes read at a time
# No text starts with these bytes (each has one that UTF-8 forbids there), so a file may have any name.
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_SUFFIXES = {".gz": "gzip", ".xz": "xz", ".zst": "zstd"}
# Text shrinks to a third or a tenth; what shrinks to less than a thousandth of a long text is made to fill a disk.
MOST_EXPANSION = 1000
_ALWAYS_ALLOWED = 64 << 20  # bytes that any file may expand to
_SIP = 1 << 10  # bytes given to zstd at once: it expands them up to 32,000 times in one go
_ZSTD_WINDOW = 1 << 27  # bytes; what zstd itself accepts without --long


class _BrokenOff(Exception):
    """A compressed file that is damaged or ends early."""


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield the content of *path* in blocks, none of them empty; gzip, xz and zstd are known by their first bytes.

    Raises UserError, with the line, for a file that cannot be read, is named as compressed but is not, is damaged,
    breaks off, or expands beyond `MOST_EXPANSION` times its size (64 MiB are always allowed).
    """
    line, kind, expanded = 1, "", 0
    try:
        with path.open("rb") as file:
            kind = _kind(path, file)
            bound = most_bytes(os.fstat(file.fileno()).st_size)
            for block in _BLOCKS[kind](file):
                expanded += len(block)
                if kind and expanded > bound:
                    raise UserError(expands_too_much(path))
                yield block
                line += block.count(b"\n")
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, _BrokenOff) as error:
        raise UserError(f"{path}:{line}: not a whole {kind} file ({error}); fetch it again") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); correct the path or its permissions") from error


def most_bytes(compressed: int) -> int:
    """Return how many bytes *compressed* bytes may expand to."""
    return max(_ALWAYS_ALLOWED, MOST_EXPANSION * compressed)


def expands_too_much(what: object) -> str:
    """Return the sentence about a bomb."""
    return f"{what}: expands to more than {MOST_EXPANSION:,} times its size, which text does not; leave it out"


def read_whole(path: Path, most: int) -> bytes:
    """Return the content of a file that a library takes as a whole. Raises UserError above *most* bytes."""
    content = bytearray()
    for block in read_blocks(path):
        content += block
        if len(content) > most:
            raise UserError(f"{path}: larger than {most:,} bytes, the most that is read of such a file; split it")
    return bytes(content)


def libraries_of(path: Path) -> tuple[str, ...]:
    """Return the library that decompresses a file, where Python's own does not."""
    with path.open("rb") as file:
        start = file.read(max(map(len, _MAGIC)))
    return ("zstandard",) if any(kind == "zstd" and start.startswith(magic) for magic, kind in _MAGIC.items()) else ()


def _kind(path: Path, file: BinaryIO) -> str:
    start = file.read(max(map(len, _MAGIC)))
    file.seek(0)
    found = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "")
    if start and not found and (named := _SUFFIXES.get(path.suffix)):
        raise UserError(f"{path}:1: no {named} file, though named as one; rename it, or fetch it again")
    return found


def blocks_of(file: IO[bytes] | gzip.GzipFile | lzma.LZMAFile) -> Iterator[bytes]:
    """Yield what is left of an open file."""
    while block := file.read(BLOCK):
        yield block


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    return blocks_of(gzip.GzipFile(fileobj=file))


def _xz(file: BinaryIO) -> Iterator[bytes]:
    return blocks_of(lzma.LZMAFile(file))


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of zstd frames one after another.

    Not by zstandard's own stream reader, which takes a file that breaks off for a whole one.
    """
    import zstandard  # for the corpora that need it

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = None
    gathered = bytearray()
    data = file.read(_SIP)
    while data:
        frame = frame or decompressor.decompressobj()
        try:
            gathered += frame.decompress(data)
        except zstandard.ZstdError as error:
            raise _BrokenOff(str(error)) from error
        data = b""
        if frame.eof:
            data, frame = frame.unused_data, None
        if len(gathered) >= BLOCK:
            yield from blocks_of(BytesIO(gathered))
            gathered.clear()
        data = data or file.read(_SIP)
    if gathered:
        yield bytes(gathered)
    if frame is not None:
        raise _BrokenOff("it ends before its last frame does")


_BLOCKS = {"": blocks_of, "gzip": _gzip, "xz": _xz, "zstd": _zstd}
