"""The compressed formats that are read, one row each, and the one loop that decompresses all of them.

A file of any of them is a sequence of members (gzip), streams (xz, bzip2) or frames (zstd), each of which ends itself;
here all are called members. Python's own `lzma.LZMAFile` and `bz2.BZ2File` stop without a word where what follows the
first member is no member, so the loop is ours: whatever stands behind a member is the next one, padding, or an error.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

BLOCK = 1 << 18
"""Bytes read or decompressed at a time."""
MOST_MEMORY = 1 << 31
"""Bytes of a dictionary (xz) or window (zstd), as much as `xz` and `zstd --long=31` write."""
_MORE_MEMORY = f"more than {MOST_MEMORY >> 30} GiB of memory"
_FEED = 1 << 15  # bytes given to a member at once: what it leaves of them is copied, for each of many small members
_LEAST = 1 << 16  # bytes of a block, the last one apart: small members make no small blocks
_SIP = 1 << 10  # bytes given to zstd at once: it expands them up to 32,000 times in one go


class Unreadable(Exception):
    """Why a compressed file cannot be read on, and the remedy; none for damage, which a new copy may not have."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.remedy = remedy


class Member(Protocol):
    """Decompresses one member, as `bz2.BZ2Decompressor` and `lzma.LZMADecompressor` do."""

    @property
    def eof(self) -> bool:
        """Return whether the member has ended, its checksum included."""

    @property
    def needs_input(self) -> bool:
        """Return whether nothing more comes without more input."""

    @property
    def unused_data(self) -> bytes:
        """Return the input behind the member."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return what *data* gives, about *max_length* bytes at most."""


@dataclass(frozen=True)
class Compression:
    """A compressed format.

    start: what every member starts with; no text does, so a file may have any name.
    suffix: of the names of such files; a file named so must be one.
    errors: what a member raises for damage.
    padding: zero bytes may stand behind a member in a multiple of this number, 0: nowhere. The xz format has them; of
    gzip and bzip2, the programs accept what tapes and disks append.
    library: the distribution that decompresses it, where Python's own modules do not.
    """

    name: str
    start: re.Pattern[bytes]
    suffix: str
    member: Callable[[], Member]
    errors: tuple[type[Exception], ...]
    padding: int = 0
    library: str = ""


class _GzipMember:
    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._is_full = False  # so more may come without input

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._is_full and not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        block = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self._is_full = len(block) == max_length
        return block


class _ZstdFrame:
    """A frame, skippable ones included; not zstandard's stream reader, which takes one that breaks off for whole."""

    def __init__(self) -> None:
        import zstandard  # for the corpora that need it

        self._frame = zstandard.ZstdDecompressor(max_window_size=MOST_MEMORY).decompressobj()
        self._error = zstandard.ZstdError
        self._left = b""

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def needs_input(self) -> bool:
        return not self._left

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data) + self._left

    def decompress(self, data: bytes, max_length: int) -> bytes:
        data, at = self._left + data, 0
        blocks: list[bytes] = []
        size = 0
        while at < len(data) and size < max_length and not self._frame.eof:
            try:
                blocks.append(self._frame.decompress(data[at : at + _SIP]))
            except self._error as error:
                raise _zstd_problem(str(error)) from error
            size += len(blocks[-1])
            at += _SIP
        self._left = data[at:]
        return b"".join(blocks)


def _zstd_problem(error: str) -> Unreadable:
    why = error.removeprefix("zstd decompressor error: ")
    if "memory" in error:
        return Unreadable(f"it needs {_MORE_MEMORY}", "unpack it with `zstd -d --memory=SIZE`")
    if "Dictionary mismatch" in error:
        return Unreadable("it needs the dictionary that it was made with", "unpack it with `zstd -d -D DICTIONARY`")
    return Unreadable(why)


def _xz_stream() -> Member:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_MEMORY)


FORMATS = (
    Compression("gzip", re.compile(rb"\x1f\x8b"), ".gz", _GzipMember, (zlib.error,), padding=1),
    Compression("xz", re.compile(rb"\xfd7zXZ\x00"), ".xz", _xz_stream, (lzma.LZMAError,), padding=4),
    Compression(
        "bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), ".bz2", bz2.BZ2Decompressor, (OSError,), padding=1
    ),
    # Skippable frames, which hold no text, are frames: pzstd begins with one.
    Compression(
        "zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), ".zst", _ZstdFrame, (), library="zstandard"
    ),
)
SUFFIXES: Mapping[str, Compression] = {kind.suffix: kind for kind in FORMATS}
_LONGEST_START = 10


def compression_of(head: bytes) -> Compression | None:
    """Return the format that a file starting with *head* has, None for one that is not compressed."""
    return next((kind for kind in FORMATS if kind.start.match(head)), None)


def decompress(kind: Compression, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of all members of a file, given in *blocks*; none is empty.

    Raises `Unreadable` for a member that is damaged or breaks off, and for what is no member behind one: nothing of
    the file is passed over.
    """
    feed = _Feed(blocks)
    ready: list[bytes] = []
    size = 0
    for block in _members(kind, feed):
        ready.append(block)
        size += len(block)
        if size >= _LEAST:
            yield b"".join(ready)
            ready, size = [], 0
    if ready:
        yield b"".join(ready)


def _members(kind: Compression, feed: _Feed) -> Iterator[bytes]:
    while feed.starts_member(kind):
        member = kind.member()
        while not member.eof:
            data = feed.take() if member.needs_input else b""
            if member.needs_input and not data:
                raise Unreadable("it ends before its data do")
            try:
                block = member.decompress(data, BLOCK)
            except kind.errors as error:
                raise _problem(error) from error
            if block:
                yield block
        feed.give_back(member.unused_data)


def _problem(error: Exception) -> Unreadable:
    if "Memory usage limit" in str(error):
        return Unreadable(f"it needs {_MORE_MEMORY}", "unpack it with `xz -d`")
    return Unreadable(str(error))


class _Feed:
    """The bytes of a compressed file, a few at a time."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block, self._at = b"", 0  # the block that is being taken from, and how much of it is taken
        self._back = b""  # given back, and before that block
        self._taken = 0

    def take(self) -> bytes:
        """Return the next bytes, none at the end."""
        if not self._back and self._at == len(self._block):
            self._block, self._at = next(self._blocks, b""), 0
        data = self._back or self._block[self._at : self._at + _FEED]
        self._at += 0 if self._back else len(data)
        self._back = b""
        self._taken += len(data)
        return data

    def give_back(self, data: bytes) -> None:
        """Let the next bytes be *data*, which were taken last."""
        self._back = data
        self._taken -= len(data)

    def starts_member(self, kind: Compression) -> bool:
        """Go behind padding; return whether a member starts there. Raises `Unreadable` for anything else."""
        start = self._taken
        rest = b""
        while not rest and (data := self.take()):
            rest = data.lstrip(b"\0")
        place = self._taken - len(rest)
        while rest and len(rest) < _LONGEST_START and (more := self.take()):
            rest += more
        self.give_back(rest)
        if rest and not kind.start.match(rest):
            raise Unreadable(
                f"from byte {place} on it is something else than {kind.name}", "cut that off, or fetch the file again"
            )
        zeros = place - start
        if zeros and (not kind.padding or zeros % kind.padding):
            raise Unreadable(f"{zeros} zero bytes from byte {start} on are no padding of {kind.name}")
        return bool(rest)
