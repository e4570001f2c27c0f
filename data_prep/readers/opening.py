"""The text in an input file, decompressed, a block of bytes at a time; what is no text is named, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePath
from typing import IO

from data_prep.readers.compression import BLOCK, SUFFIXES, Compression, Unreadable, compression_of, decompress
from data_prep.readers.foreign import HEAD, UNPACK, ForeignKind, foreign_kind
from mtdeep.errors import UserError

# Text shrinks to a third or a tenth; what shrinks to less than a thousandth of a long text is made to fill a disk.
MOST_EXPANSION = 1000
_ALWAYS_ALLOWED = 64 << 20  # bytes that any file may expand to


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield the text in a file in blocks, none of them empty.

    Raises UserError as `text_blocks` does, and for a file that cannot be read.
    """
    yield from text_blocks(_file_blocks(path), path, _size(path))


def expanded_blocks(path: Path) -> Iterator[bytes]:
    """Yield the content of a file of any kind, decompressed: an archive may be compressed as a whole.

    Raises UserError as `read_blocks` does, but for kinds that are no text.
    """
    yield from _expanded(_file_blocks(path), path, _size(path))[1]


def text_blocks(blocks: Iterator[bytes], name: object, size: int) -> Iterator[bytes]:
    """Yield the text in a file that is given in blocks, decompressed where its first bytes say so.

    name, size: what messages call the file, and its bytes. Raises UserError, with the line, for a file that is named
    as compressed but is not, is damaged, breaks off, has something else behind it, or expands beyond `MOST_EXPANSION`
    times its size (64 MiB are always allowed); and, with the remedy, for a kind of file that is no text.
    """
    kind, blocks = _expanded(blocks, name, size)
    head, blocks = _with_head(blocks, HEAD)
    packed = f"{kind.name}, in which there is " if kind else ""
    if foreign := foreign_kind(head):
        raise UserError(f"{name}:1: {packed}{foreign.name}, which is not read here; {foreign.remedy}")
    if again := compression_of(head):
        raise UserError(f"{name}:1: {packed}{again.name} again; unpack it once")
    if head and not kind and (named := SUFFIXES.get(PurePath(str(name)).suffix.lower())):
        raise UserError(f"{name}:1: no {named.name} file, though named as one; rename it, or fetch it again")
    yield from blocks


def kind_of(path: Path) -> ForeignKind | None:
    """Return what a file is that is compressed or no text, by its first bytes, for a reader of another kind to say.

    Raises UserError for a file that cannot be read.
    """
    head, _ = _with_head(_file_blocks(path), HEAD)
    kind = compression_of(head)
    return ForeignKind(kind.name, UNPACK) if kind else foreign_kind(head)


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
    kind = compression_of(_with_head(_file_blocks(path), HEAD)[0])
    return (kind.library,) if kind and kind.library else ()


def blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of an open file."""
    while block := file.read(BLOCK):
        yield block


def _file_blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from blocks_of(file)
    except OSError as error:
        raise _cannot_be_read(path, error) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _cannot_be_read(path, error) from error


def _cannot_be_read(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be read ({error.strerror}); correct the path or its permissions")


def _expanded(blocks: Iterator[bytes], name: object, size: int) -> tuple[Compression | None, Iterator[bytes]]:
    """Return how a file is compressed, None for not at all, and its content."""
    head, blocks = _with_head(blocks, HEAD)
    kind = compression_of(head)
    return kind, _bounded(decompress(kind, blocks), kind, name, most_bytes(size)) if kind else blocks


def _bounded(blocks: Iterator[bytes], kind: Compression, name: object, most: int) -> Iterator[bytes]:
    """Yield decompressed blocks, of *most* bytes at most; raises UserError, with the line that was come to."""
    line, expanded = 1, 0
    try:
        for block in blocks:
            expanded += len(block)
            if expanded > most:
                raise UserError(expands_too_much(name))
            yield block
            line += block.count(b"\n")
    except Unreadable as error:
        what = f"{kind.name} that cannot be read on" if error.remedy else f"not a whole {kind.name} file"
        raise UserError(f"{name}:{line}: {what} ({error}); {error.remedy or 'fetch it again'}") from error


def _with_head(blocks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return the first *size* bytes or more, fewer at the end, and the same blocks from the start."""
    head = b""
    while len(head) < size and (block := next(blocks, b"")):
        head += block
    return head, chain([head] if head else [], blocks)
