"""Shard files, written: a stream of blocks becomes segments, with only one block of it in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import xxhash

from mtdeep.corpus.blocks import Block
from mtdeep.corpus.manifest import SHARD_HEADER, FileRecord, Segment, shard_path
from mtdeep.corpus.shared_rows import PresenceBits
from mtdeep.durable import write_atomically

if TYPE_CHECKING:
    from typing_extensions import Buffer

_ALIGN = 8
_OFFSET_BYTES = 4
_SPOOL_BYTES = 16 << 20


def write_file(path: Path, data: bytes) -> FileRecord:
    """Write a small file durably."""
    write_atomically(path, lambda partial: partial.write_bytes(data))
    return FileRecord(len(data), xxhash.xxh3_128_hexdigest(data))


class _Shard:
    """One shard file, written from front to back and digested on the way."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._digest = xxhash.xxh3_128()
        self.position = 0
        self.write(SHARD_HEADER)

    def write(self, data: Buffer) -> None:
        """Append bytes."""
        view = memoryview(data)
        view = view.cast("B") if view.nbytes else memoryview(b"")
        self._file.write(view)
        self._digest.update(view)
        self.position += view.nbytes

    def align(self) -> None:
        """Append zeros up to the next multiple of 8 bytes."""
        self.write(bytes(-self.position % _ALIGN))

    def close(self) -> FileRecord:
        """Sync and close."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return FileRecord(self.position, self._digest.hexdigest())

    def abandon(self) -> None:
        """Close without a record, after an error; what a full disk has not taken is not asked for again."""
        with suppress(OSError):
            self._file.close()


class ShardWriter:
    """Appends columns to shards of at most `shard_bytes`, from number `first` on; one file is open at a time."""

    def __init__(self, store: Path, shard_bytes: int, first: int = 0) -> None:
        if not len(SHARD_HEADER) < shard_bytes <= 1 << 32:
            raise ValueError(f"shard_bytes is {shard_bytes}; offsets of 32 bits allow at most {1 << 32}")
        self._store = store
        self._shard_bytes = shard_bytes
        self._next = first
        self._shard: _Shard | None = None
        self.files: dict[str, FileRecord] = {}

    def write_column(self, blocks: Iterable[Block], dtype: np.dtype) -> tuple[tuple[Segment, ...], np.ndarray]:
        """Write a column; its segments, and one bit a row that says whether it is no gap.

        Raises `ValueError` for a sentence that does not fit into an empty shard.
        """
        segments: list[Segment] = []
        presence = PresenceBits()
        row = 0
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=str(self._store)) as spool:
            segment = _OpenSegment(self, dtype, row, spool)
            for block in blocks:
                lengths, flat = block.lengths, block.units.astype(dtype)
                presence.append(lengths > 0)
                while len(lengths):
                    taken = segment.append(flat, lengths)
                    row += taken
                    flat, lengths = flat[lengths[:taken].sum() :], lengths[taken:]
                    if len(lengths):
                        if not taken and segment.fresh:
                            raise ValueError(f"row {row} has {lengths[0]} units, too many for one shard")
                        segments += segment.close()
                        self.close_shard()
                        segment = _OpenSegment(self, dtype, row, spool)
            segments += segment.close()
        return tuple(segments), presence.packed()

    def shard(self) -> _Shard:
        """The open shard, a new one if there is none."""
        if self._shard is None:
            self._shard = _Shard(self._store / shard_path(self._next))
        return self._shard

    @property
    def number(self) -> int:
        """Number of the open shard."""
        return self._next

    def room(self) -> int:
        """Bytes that the open shard can still take."""
        return self._shard_bytes - self.shard().position

    def close_shard(self) -> None:
        """Close the open shard, if any, and note its size and digest."""
        if self._shard is not None:
            self.files[shard_path(self._next)] = self._shard.close()
            self._shard = None
            self._next += 1

    def abandon(self) -> None:
        """Close the open file after an error."""
        if self._shard is not None:
            self._shard.abandon()
            self._shard = None


class _OpenSegment:
    """The segment being written: data go to the shard, offsets to a spool until the segment is closed."""

    def __init__(self, writer: ShardWriter, dtype: np.dtype, first_row: int, spool: IO[bytes]) -> None:
        self._writer = writer
        self._itemsize = dtype.itemsize
        self._first_row = first_row
        self._spool = spool
        self._data = writer.shard().position
        self._rows = self._sentences = self._units = 0
        self.fresh = self._data == len(SHARD_HEADER)
        spool.seek(0)
        spool.truncate()
        spool.write(np.zeros(1, dtype="<u4").tobytes())

    def append(self, flat: np.ndarray, lengths: np.ndarray) -> int:
        """Write as many leading sentences as the shard has room for; how many that were."""
        ends = np.cumsum(lengths)
        rows = np.arange(1, len(lengths) + 1) + self._rows + 1
        # The end of data and of offsets are each padded by less than 8 bytes.
        needed = ends * self._itemsize + rows * _OFFSET_BYTES + 2 * _ALIGN
        taken = int(np.searchsorted(needed, self._writer.room(), side="right"))
        if taken:
            self._writer.shard().write(flat[: ends[taken - 1]].data)
            self._spool.write((ends[:taken] + self._units).astype("<u4").tobytes())
            self._units += int(ends[taken - 1])
            self._rows += taken
            self._sentences += int(np.count_nonzero(lengths[:taken]))
        return taken

    def close(self) -> list[Segment]:
        """Write the offsets behind the data; no segment when there is no row."""
        if not self._rows:
            return []
        shard = self._writer.shard()
        shard.align()
        offsets = shard.position
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, shard, 1 << 20)
        shard.align()
        return [
            Segment(
                shard=self._writer.number,
                first_row=self._first_row,
                rows=self._rows,
                sentences=self._sentences,
                units=self._units,
                data=self._data,
                offsets=offsets,
            )
        ]
