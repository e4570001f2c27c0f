"""The store on disk, read: every sentence once, however many directions look at it.

    STORE/manifest.json          what `manifest.py` documents; written last, so a store without it is not one
    STORE/dict.txt               the vocabulary, as fairseq's Dictionary loads it; a new language is a line more
    STORE/sentencepiece.model    the subword model that made the ids, where it is known
    STORE/shards/NNNNNN.bin      sentences
    STORE/report/                what people read of it, if anything (docs/report.md)

A corpus is a table: rows aligned over its languages, one column a language, gaps allowed. It belongs to a split. A
column is cut into segments, which follow one another in as few shards as their bytes need (a shard has at most 4 GiB).
All numbers are little-endian. A shard is

    bytes 0-7    b"MTDSHARD"
    bytes 8-15   uint64, format version (1)
    then segments, each   data      units x token type (or UTF-8 bytes, for a text column), sentence after sentence
                          padding   zeros up to a multiple of 8 bytes
                          offsets   (rows + 1) x uint32: sentence r of the segment is data[offsets[r]:offsets[r + 1]]
                          padding   zeros up to a multiple of 8 bytes

Offsets count units from the segment's start, so that 32 bits suffice and lengths are read at random without a table in
memory. Data come before offsets because the writer streams and knows a sentence's length only when it has it. A gap
is a sentence of length 0. Tokens are piece ids without end-of-sentence and tags; both are added when a batch is made.
Every split but `train` also has text columns, the raw references that scores are computed against; a store that was
imported from a data-bin has none.

Opening reads the manifest, the dictionary and 16 bytes a shard. Shards are mapped when first needed, a few at a time.

No file is ever written into: `store_appender.py` adds shards, then replaces `dict.txt`, whose first bytes stay, then
`manifest.json`. A reader therefore goes on with the manifest that it has read, and with the shards that it names.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xxhash

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.manifest import (
    DICTIONARY,
    REPORT,
    SHARD_HEADER,
    SUBWORD_MODEL,
    Manifest,
    read_manifest,
    shard_path,
    wrong_size,
)
from mtdeep.corpus.vocabulary import Vocabulary, tag_of
from mtdeep.errors import UserError

if TYPE_CHECKING:
    from mtdeep.corpus.subwords import Subwords

_OPEN_SHARDS = 16


class ShardMaps:
    """Memory maps of the shards, the most recently used few of them open.

    Safe under threads; a pickled copy and a forked process start with none open.
    """

    _alive: ClassVar[weakref.WeakSet[ShardMaps]] = weakref.WeakSet()

    def __init__(self, store: Path, limit: int = _OPEN_SHARDS) -> None:
        self._store = store
        self._limit = limit
        self._alive.add(self)
        self._reset()

    def _reset(self) -> None:
        self._open: OrderedDict[int, np.memmap] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"_store": self._store, "_limit": self._limit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._alive.add(self)
        self._reset()

    @classmethod
    def start_anew(cls) -> None:
        """Forget maps and lock in a forked child: the thread of the parent that held the lock is not there to let go.

        DataLoader workers are forked while a prefetching thread reads.
        """
        for maps in cls._alive:
            maps._reset()

    def view(self, shard: int, start: int, count: int, dtype: np.dtype) -> np.ndarray:
        """A view of `count` numbers from byte `start`. Copy what outlives the call: a view keeps its shard open."""
        with self._lock:
            if shard in self._open:
                self._open.move_to_end(shard)
            else:
                self._open[shard] = np.memmap(self._store / shard_path(shard), dtype=np.uint8, mode="r")
                if len(self._open) > self._limit:
                    self._open.popitem(last=False)
            return self._open[shard][start : start + count * dtype.itemsize].view(dtype)


os.register_at_fork(after_in_child=ShardMaps.start_anew)


class Store:
    """A corpus store, open for reading.

    Raises `UserError` when the directory is no store, has another format version, or a file of it is missing,
    truncated or damaged (as far as sizes, headers and counts tell; `verify` reads everything).
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.manifest: Manifest = read_manifest(self.path)
        for name, record in self.manifest.files.items():
            if problem := wrong_size(self.path, name, record):
                raise UserError(problem)
        self.vocabulary = read_vocabulary(self.path, self.manifest)
        self._check_shard_headers()
        maps = ShardMaps(self.path)
        token_dtype = np.dtype(self.manifest.token_dtype).newbyteorder("<")
        self._corpora = [Corpus(record, maps, token_dtype) for record in self.manifest.corpora]

    def _check_shard_headers(self) -> None:
        for shard in self.manifest.shards:
            path = self.path / shard_path(shard)
            with path.open("rb") as file:
                header = file.read(len(SHARD_HEADER))
            if header != SHARD_HEADER:
                raise UserError(f"{path}: not a shard of a store (it starts with {header!r}); restore it from a copy")

    @property
    def languages(self) -> tuple[str, ...]:
        """Canonical codes, in the order of their tags."""
        return self.vocabulary.languages

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in the order in which they were written."""
        return tuple(dict.fromkeys(corpus.split for corpus in self._corpora))

    @cached_property
    def _by_split(self) -> dict[str, list[Corpus]]:
        return {split: [c for c in self._corpora if c.split == split] for split in self.splits}

    def corpora(self, split: str) -> list[Corpus]:
        """The corpora of a split; raises `UserError` for a split that the store lacks."""
        if split not in self._by_split:
            raise UserError(f"{self.path}: no split {split!r}; the store has {', '.join(self.splits) or 'none'}")
        return self._by_split[split]

    @property
    def has_subwords(self) -> bool:
        """Whether the model that made the ids is there; a data-bin that was imported may have come without."""
        return SUBWORD_MODEL in self.manifest.files

    def subwords(self) -> Subwords:
        """The subword model that made the store's ids; raises `UserError` for a store that has none."""
        if not self.has_subwords:
            raise UserError(
                f"{self.path}: has no SentencePiece model, because it was imported without one; import it again with "
                "--sentencepiece-model"
            )
        from mtdeep.corpus.subwords import Subwords  # the only part of this package that needs SentencePiece

        return Subwords(self.path / SUBWORD_MODEL, self.vocabulary)

    @cached_property
    def digest(self) -> str:
        """xxh3-128 of the manifest, which holds the digest of every other file: the identity of the data.

        No file is read for it: it is that of the manifest that this store was opened with, computed once. The report
        is left out: a picture's bytes change with the version of what draws it.
        """
        files = {name: file for name, file in self.manifest.files.items() if not name.startswith(f"{REPORT}/")}
        return xxhash.xxh3_128_hexdigest(replace(self.manifest, files=files).dump())

    def verify(self) -> None:
        """Read every byte; raises `UserError` that names the first damage, of those that `verification` looks for."""
        from mtdeep.corpus.verification import damages  # which reads stores that cannot be opened, too

        for damage in damages(self.path):
            raise UserError(damage)


def read_vocabulary(store: Path, manifest: Manifest) -> Vocabulary:
    """The vocabulary of a manifest: as much of `dict.txt` as it names.

    Raises `UserError` when that is not what the store was written with, and for a line behind it that is no tag: a
    writer that was killed while it appended a language leaves tags, and nothing else.
    """
    path, record = store / DICTIONARY, manifest.files.get(DICTIONARY)
    content = path.read_bytes()
    data = content[: record.bytes] if record else b""
    sizes = manifest.vocabulary_size, manifest.pieces, manifest.languages
    if xxhash.xxh3_128_hexdigest(data) == manifest.vocabulary_digest:
        found = Vocabulary.parse(data, path)
        if (len(found), len(found.pieces), found.languages) == sizes:
            _check_lines_behind(path, data, content[len(data) :])
            return found
    raise UserError(
        f"{path}: not the dictionary that the store was written with; "
        "restore it, because ids would change their meaning"
    )


def _check_lines_behind(path: Path, data: bytes, behind: bytes) -> None:
    lines = behind.decode("utf-8", "backslashreplace").split("\n")
    for number, line in enumerate(lines[:-1] if not lines[-1] else lines, start=data.count(b"\n") + 1):
        symbol, _, count = line.rpartition(" ")
        if not tag_of(symbol, count):
            raise UserError(
                f"{path}:{number}: {line[:80]!r} is no line of the dictionary that the store was written with; "
                "restore it, or remove the line"
            )


def file_digest(path: Path, first: int | None = None) -> str:
    """xxh3-128 of a file, or of its *first* bytes, as hexadecimal digits."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 22 if first is None else min(first, 1 << 22)):
            digest.update(block)
            first = None if first is None else first - len(block)
    return digest.hexdigest()
