"""fairseq's data-bin: its dictionaries and MMIDIDX files, written from a store and read back.

    OUT/dict.{lang}.txt                  the store's dict.txt, so that ids agree and tags are known
    OUT/{split}.{src}-{tgt}.{lang}.bin   ids, sentence after sentence, each with end-of-sentence
    OUT/{split}.{src}-{tgt}.{lang}.idx   little-endian: b"MMIDIDX\\0\\0", uint64 version 1, uint8 type code (8 = uint16,
                                         4 = int32), uint64 sentences, int32 tokens of each, int64 first byte of each

as fairseq 0.12.2 has them (fairseq/data/indexed_dataset.py, MMapIndexedDataset). Type codes are its table's; a
vocabulary below 65,500 is written as uint16, as `fairseq-preprocess` would.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mtdeep.corpus.directions import Direction
from mtdeep.corpus.manifest import DICTIONARY
from mtdeep.corpus.store import Store
from mtdeep.corpus.views import DirectionView, direction_views
from mtdeep.durable import sync_directory, write_atomically
from mtdeep.errors import UserError
from mtdeep.languages import fairseq_code

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
_EXAMPLES = 1 << 14


def write_databin(
    store: Store,
    out_dir: Path | str,
    directions: Sequence[Direction],
    splits: Sequence[str],
    progress: Callable[[str, Direction, int], None] | None = None,
) -> dict[tuple[str, Direction], int]:
    """Write the directions of the splits; sentence pairs of each file pair.

    `progress` hears of each file pair, with its number, when it is done. Each file is written under a temporary name
    and renamed when complete. fairseq looks for either order of a pair, so of `en-de` and `de-en` only the first is
    written. Raises `UserError` when a split lacks a direction.
    """
    out = Path(out_dir)
    views = {split: direction_views(store, split, one_way(directions)) for split in splits}
    out.mkdir(parents=True, exist_ok=True)
    languages = dict.fromkeys(code for d in directions for code in (d.source, d.target))
    for language in languages:
        write_atomically(
            out / f"dict.{fairseq_code(language)}.txt", lambda temporary: _copy(store.path / DICTIONARY, temporary)
        )
    written = {}
    for split, split_views in views.items():
        for view in split_views:
            for language in (view.direction.source, view.direction.target):
                prefix = out / f"{split}.{view.direction}.{fairseq_code(language)}"
                _write_column(prefix, _sentences(view, language, store.vocabulary.eos), len(store.vocabulary))
            written[split, view.direction] = len(view)
            if progress is not None:
                progress(split, view.direction, len(written))
    sync_directory(out)
    return written


def one_way(directions: Sequence[Direction]) -> list[Direction]:
    """Directions without those whose reverse stands before them: one file pair serves both ways."""
    kept: dict[Direction, None] = {}
    for direction in directions:
        if direction.reverse() not in kept:
            kept[direction] = None
    return list(kept)


def _sentences(view: DirectionView, language: str, eos: int) -> Iterator[np.ndarray]:
    for start in range(0, len(view), _EXAMPLES):
        part, row = view.locate(np.arange(start, min(start + _EXAMPLES, len(view))))
        for p, r in zip(part.tolist(), row.tolist(), strict=True):
            yield np.append(view.corpora[p].sentence(language, r), eos)


def _write_column(prefix: Path, sentences: Iterator[np.ndarray], vocabulary_size: int) -> None:
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

    write_atomically(_beside(prefix, ".bin"), write_tokens)
    write_atomically(_beside(prefix, ".idx"), write_index)


def _beside(prefix: Path, suffix: str) -> Path:
    return prefix.parent / (prefix.name + suffix)


def _copy(source: Path, destination: Path) -> None:
    shutil.copyfile(source, destination)


class MMapColumn:
    """One language of a direction in fairseq's data-bin, mapped and read at random.

    Raises `UserError` when the files are not what fairseq's mmap implementation writes, or are cut off.
    """

    def __init__(self, prefix: Path | str) -> None:
        index, data = _beside(Path(prefix), ".idx"), _beside(Path(prefix), ".bin")
        remedy = "write the data-bin again with --dataset-impl mmap"
        try:
            with index.open("rb") as file:
                header = file.read(_HEADER.size)
            size, index_size = data.stat().st_size, index.stat().st_size
        except OSError as error:
            raise UserError(f"{error.filename}: cannot be read ({error.strerror}); {remedy}") from None
        if len(header) < _HEADER.size or not header.startswith(MAGIC):
            raise UserError(f"{index}: not an index of fairseq's mmap data-bin; {remedy}")
        _, version, code, count = _HEADER.unpack(header)
        if version != 1 or code not in _DTYPES:
            raise UserError(f"{index}: version {version} with token type {code} is not known; {remedy}")
        expected = _HEADER.size + count * 12
        if index_size != expected:
            raise UserError(f"{index}: expected {expected} bytes and found {index_size}; {remedy}")
        self.dtype = _DTYPES[code]
        self.sizes = np.fromfile(index, dtype="<i4", count=count, offset=_HEADER.size)
        self._starts = np.fromfile(index, dtype="<i8", count=count, offset=_HEADER.size + 4 * count)
        expected = int((self._starts + self.sizes.astype(np.int64) * self.dtype.itemsize).max(initial=0))
        if size < expected:
            raise UserError(f"{data}: truncated, expected {expected} bytes and found {size}; {remedy}")
        self._data = np.memmap(data, dtype=np.uint8, mode="r") if size else np.zeros(0, dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, i: int) -> np.ndarray:
        """Ids of sentence i, end-of-sentence included, (tokens,); a copy."""
        start = int(self._starts[i])
        sentence: np.ndarray = self._data[start : start + int(self.sizes[i]) * self.dtype.itemsize].view(self.dtype)
        return np.array(sentence)
