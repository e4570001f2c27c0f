"""One corpus of a store: rows aligned over languages, read at random."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from mtdeep.corpus.manifest import Column, CorpusRecord, Segment

if TYPE_CHECKING:
    from mtdeep.corpus.store import ShardMaps

_OFFSET = np.dtype("<u4")
_TEXT = np.dtype("u1")
# Row lists of directions over gaps that stay in memory; made again from presence bits when they fell out.
_CACHED_ROW_BYTES = 256 << 20


class Corpus:
    """Rows aligned over `languages`; sentence (language, row) may be a gap, of length 0."""

    def __init__(self, record: CorpusRecord, maps: ShardMaps, token_dtype: np.dtype) -> None:
        self._record = record
        self._maps = maps
        self._token_dtype = token_dtype
        self._columns = {(column.language, column.kind): column for column in record.columns}
        self._languages = tuple(column.language for column in record.columns if column.kind == "tokens")
        self._rank = {language: i for i, language in enumerate(self._languages)}
        self._presence: dict[str, np.ndarray] = {}
        self._common: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self._common_bytes = 0

    @property
    def name(self) -> str:
        """Name, unique within the split."""
        return self._record.name

    @property
    def split(self) -> str:
        """Split that the corpus belongs to."""
        return self._record.split

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that have a column."""
        return self._languages

    @property
    def rows(self) -> int:
        """Number of rows, gaps included."""
        return self._record.rows

    def sentences(self, language: str) -> int:
        """Rows of a language that are not gaps, from the manifest."""
        return self._columns[language, "tokens"].sentences

    def tokens(self, language: str) -> int:
        """Tokens of a language, from the manifest."""
        return self._columns[language, "tokens"].units

    def count(self, source: str, target: str) -> int:
        """Rows that both languages have, from the manifest; 0 when the corpus lacks one of them."""
        if source not in self._rank or target not in self._rank:
            return 0
        if source == target:
            return self.sentences(source)
        i, j = sorted((self._rank[source], self._rank[target]))
        return self._record.pairs[i * (2 * len(self._languages) - i - 1) // 2 + j - i - 1]

    def lengths(self, language: str) -> np.ndarray:
        """Tokens of every row, (rows,) int32; a gap has 0."""
        segments = self._columns[language, "tokens"].segments
        parts = [np.diff(self._offsets(segment)).astype(np.int32) for segment in segments]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)

    def lengths_at(self, language: str, rows: np.ndarray) -> np.ndarray:
        """Tokens of the given rows, (n,) int32, without a table of all lengths in memory."""
        column = self._columns[language, "tokens"]
        if len(column.segments) == 1:
            offsets = self._offsets(column.segments[0])
            found: np.ndarray = (offsets[rows + 1] - offsets[rows]).astype(np.int32)
            return found
        lengths = np.empty(len(rows), dtype=np.int32)
        starts = np.array([segment.first_row for segment in column.segments])
        which = np.searchsorted(starts, rows, side="right") - 1
        for i in np.unique(which):
            here = np.flatnonzero(which == i)
            offsets, local = self._offsets(column.segments[i]), rows[here] - starts[i]
            lengths[here] = offsets[local + 1] - offsets[local]
        return lengths

    def sentence(self, language: str, row: int) -> np.ndarray:
        """Token ids of a row, (length,) in the store's token type, without end-of-sentence and tag; a copy."""
        return self._read(self._columns[language, "tokens"], row, self._token_dtype)

    def text(self, language: str, row: int) -> str:
        """Raw text of a row; raises `KeyError` where the split keeps no text."""
        return self._read(self._columns[language, "text"], row, _TEXT).tobytes().decode("utf-8")

    def has_text(self, language: str) -> bool:
        """Whether the raw text of a language is kept."""
        return (language, "text") in self._columns

    def common_rows(self, source: str, target: str) -> np.ndarray | range:
        """Rows that both languages have, ascending: a `range` when neither has a gap, else (n,) int64 or int32."""
        if source not in self._rank or target not in self._rank:
            return range(0)
        if self.count(source, target) == self.rows:
            return range(self.rows)
        i, j = sorted((self._rank[source], self._rank[target]))
        cached = self._common.get((i, j))
        if cached is not None:
            return cached
        both = self._present(self._languages[i]) & self._present(self._languages[j])
        rows = np.flatnonzero(np.unpackbits(both, count=self.rows))
        rows = rows.astype(np.int32 if self.rows <= np.iinfo(np.int32).max else np.int64)
        rows.flags.writeable = False
        self._common[i, j] = rows
        self._common_bytes += rows.nbytes
        while self._common_bytes > _CACHED_ROW_BYTES and len(self._common) > 1:
            self._common_bytes -= self._common.popitem(last=False)[1].nbytes
        return rows

    def _present(self, language: str) -> np.ndarray:
        """One bit a row: whether the language has it; kept, because n-way corpora ask once per direction."""
        if language not in self._presence:
            self._presence[language] = np.packbits(self.lengths(language) > 0)
        return self._presence[language]

    def _offsets(self, segment: Segment) -> np.ndarray:
        return self._maps.view(segment.shard, segment.offsets, segment.rows + 1, _OFFSET)

    def _read(self, column: Column, row: int, dtype: np.dtype) -> np.ndarray:
        if not 0 <= row < self.rows:
            raise IndexError(f"row {row} of corpus {self.name!r}, which has {self.rows}")
        segment = column.segments[0]
        if len(column.segments) > 1:
            segment = next(s for s in reversed(column.segments) if s.first_row <= row)
        local = row - segment.first_row
        start, end = self._maps.view(segment.shard, segment.offsets + local * _OFFSET.itemsize, 2, _OFFSET).tolist()
        return self._maps.view(segment.shard, segment.data + start * dtype.itemsize, end - start, dtype).copy()
