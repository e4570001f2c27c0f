"""fairseq's MMIDIDX, the two files of one column of sentences, written and read.

    PREFIX.bin   ids, sentence after sentence, each with end-of-sentence
    PREFIX.idx   little-endian: b"MMIDIDX\\0\\0", uint64 version 1, uint8 type code (8 = uint16, 4 = int32),
                 uint64 sentences, int32 tokens of each, int64 first byte of each

as fairseq 0.12.2 has them (fairseq/data/indexed_dataset.py, MMapIndexedDataset). Type codes are its table's; a
vocabulary below 65,500 is written as uint16, as `fairseq-preprocess` would.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from mtdeep.corpus.blocks import Block
from mtdeep.durable import write_atomically
from mtdeep.errors import UserError

MAGIC = b"MMIDIDX\x00\x00"
_HEADER = struct.Struct("<9sQBQ")
_DTYPES: dict[int, np.dtype] = {
    1: np.dtype("u1"),
    2: np.dtype("i1"),
    3: np.dtype("<i2"),
    4: np.dtype("<i4"),
    5: np.dtype("<i8"),
    8: np.dtype("<u2"),
    9: np.dtype("<u4"),
    10: np.dtype("<u8"),
}
_ROWS = 1 << 14
_REMEDY = "write the data-bin again with fairseq-preprocess --dataset-impl mmap"


def beside(prefix: Path, suffix: str) -> Path:
    """The file of a prefix, which may hold dots itself: `train.en-de.en` and `.bin`."""
    return prefix.parent / (prefix.name + suffix)


def write_column(prefix: Path, sentences: Iterable[np.ndarray], vocabulary_size: int) -> None:
    """Write sentences, (tokens,) each with its end-of-sentence; both files appear whole."""
    # fairseq's own threshold (best_fitting_int_dtype). Above it fairseq would take uint32, which some of its readers
    # lack; int32 is in all of them.
    code = 8 if vocabulary_size < 65500 else 4
    dtype = _DTYPES[code]
    sizes: list[int] = []

    def write_tokens(temporary: Path) -> None:
        with temporary.open("wb") as file:
            for sentence in sentences:
                file.write(sentence.astype(dtype).tobytes())
                sizes.append(len(sentence))

    def write_index(temporary: Path) -> None:
        tokens = np.array(sizes, dtype="<i4")
        ends = np.cumsum(tokens, dtype="<i8")
        with temporary.open("wb") as file:
            file.write(_HEADER.pack(MAGIC, 1, code, len(tokens)))
            file.write(tokens.tobytes())
            file.write(((ends - tokens) * dtype.itemsize).astype("<i8").tobytes())

    write_atomically(beside(prefix, ".bin"), write_tokens)
    write_atomically(beside(prefix, ".idx"), write_index)


class MMapColumn:
    """A column, mapped and read at random.

    Raises `UserError` when the files are not what fairseq's mmap implementation writes: sentences that follow one
    another from the first byte of `.bin` to its last.
    """

    def __init__(self, prefix: Path) -> None:
        self.index_path, self.data_path = beside(prefix, ".idx"), beside(prefix, ".bin")
        try:
            with self.index_path.open("rb") as file:
                header = file.read(_HEADER.size)
            size, index_size = self.data_path.stat().st_size, self.index_path.stat().st_size
        except OSError as error:
            raise UserError(f"{error.filename}: cannot be read ({error.strerror}); {_REMEDY}") from None
        count = self._read_header(header, index_size)
        self.sizes = _mapped(self.index_path, "<i4", count, _HEADER.size)
        self._starts = _mapped(self.index_path, "<i8", count, _HEADER.size + 4 * count)
        expected = self._check_order() * self.dtype.itemsize
        if size != expected:
            what = "truncated" if size < expected else "longer than its index says"
            raise UserError(f"{self.data_path}: {what}, expected {expected} bytes and found {size}; {_REMEDY}")
        self._data = _mapped(self.data_path, self.dtype, expected // self.dtype.itemsize, 0)

    def _read_header(self, header: bytes, index_size: int) -> int:
        """The number of sentences; sets `dtype`."""
        if len(header) < _HEADER.size or not header.startswith(MAGIC):
            raise UserError(f"{self.index_path}: not an index of fairseq's mmap data-bin; {_REMEDY}")
        _, version, code, count = _HEADER.unpack(header)
        if version != 1 or code not in _DTYPES:
            raise UserError(f"{self.index_path}: version {version} with token type {code} is not known; {_REMEDY}")
        expected = _HEADER.size + count * 12
        if index_size != expected:
            raise UserError(f"{self.index_path}: expected {expected} bytes and found {index_size}; {_REMEDY}")
        self.dtype = _DTYPES[code]
        return int(count)

    def _check_order(self) -> int:
        """Compare the places that the index gives with those that its lengths add up to; tokens of all sentences."""
        end = 0
        for row in range(0, len(self), _ROWS):
            sizes = self.sizes[row : row + _ROWS]
            negative = np.flatnonzero(sizes < 0)
            if len(negative):
                where = f"sentence {row + negative[0]} has {sizes[negative[0]]} tokens"
                raise UserError(f"{self.index_path}: {where}; {_REMEDY}")
            ends = end + np.cumsum(sizes, dtype=np.int64)
            starts, expected = self._starts[row : row + _ROWS], (ends - sizes) * self.dtype.itemsize
            wrong = np.flatnonzero(starts != expected)
            if len(wrong):
                at = wrong[0]
                where = f"sentence {row + at} starts at byte {starts[at]}, and those before it end at {expected[at]}"
                raise UserError(f"{self.index_path}: {where}; {_REMEDY}")
            end = int(ends[-1])
        return end

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, i: int) -> np.ndarray:
        """Ids of sentence i, end-of-sentence included, (tokens,); a copy."""
        start = int(self._starts[i]) // self.dtype.itemsize
        return np.array(self._data[start : start + int(self.sizes[i])])

    def blocks(self) -> Iterator[Block]:
        """All sentences with their ends, some thousand at a time; views of the mapped file."""
        end = 0
        for row in range(0, len(self), _ROWS):
            sizes = self.sizes[row : row + _ROWS].astype(np.int64)
            start, end = end, end + int(sizes.sum())
            yield Block(self._data[start:end], sizes)


def _mapped(path: Path, dtype: np.dtype | str, count: int, offset: int) -> np.ndarray:
    """Numbers of a file; an empty file cannot be mapped."""
    return np.memmap(path, dtype, "r", offset, (count,)) if count else np.zeros(0, dtype)
