"""One corpus of a store: rows aligned over languages, read at random."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mtdeep.corpus import presence
from mtdeep.corpus.manifest import Column, CorpusRecord, Segment
from mtdeep.corpus.origins import origin_of

if TYPE_CHECKING:
    from mtdeep.corpus.store import ShardMaps

_OFFSET = np.dtype("<u4")
_TEXT = np.dtype("u1")
# Rows whose lengths are in memory at a time, of one language (whole blocks of `presence`) and of all.
_ROWS_OF_ONE = 1 << 20
_ROWS_OF_ALL = 1 << 12


class Corpus:
    """Rows aligned over `languages`; sentence (language, row) may be a gap, of length 0."""

    def __init__(self, record: CorpusRecord, maps: ShardMaps, token_dtype: np.dtype) -> None:
        self._record = record
        self._maps = maps
        self._token_dtype = token_dtype
        self._columns = {(column.language, column.kind): column for column in record.columns}
        self._languages = tuple(column.language for column in record.columns if column.kind == "tokens")
        self._rank = {language: i for i, language in enumerate(self._languages)}
        self._known_presence: set[int] = set()

    @property
    def name(self) -> str:
        """Name, unique within the split."""
        return self._record.name

    @property
    def split(self) -> str:
        """Split that the corpus belongs to."""
        return self._record.split

    @cached_property
    def origin(self) -> str:
        """Where its sentences come from, one of `ORIGINS`; raises `UserError` when the store names another."""
        return origin_of(self._record.provenance, self.name)

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

    def is_full(self, source: str, target: str) -> bool:
        """Whether every row has both languages, so that row number k that they share is row k."""
        return self.count(source, target) == self.rows

    def lengths(self, language: str) -> np.ndarray:
        """Tokens of every row, (rows,) int32; a gap has 0."""
        return self.lengths_between(language, 0, self.rows)

    def lengths_between(self, language: str, first: int, end: int) -> np.ndarray:
        """Tokens of the rows from first up to, not including, end: (end - first,) int32."""
        parts = [np.zeros(0, dtype=np.int32)]
        for segment in self._columns[language, "tokens"].segments:
            start, stop = max(first - segment.first_row, 0), min(end - segment.first_row, segment.rows)
            if start < stop:
                place = segment.offsets + start * _OFFSET.itemsize
                offsets = self._maps.view(segment.shard, place, stop - start + 1, _OFFSET)
                parts.append(np.diff(offsets).astype(np.int32))
        return np.concatenate(parts)

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

    def count_above(self, source_limit: int, target_limit: int) -> np.ndarray:
        """Rows that two languages share and of which a side is longer than its limit, (languages, languages) int64.

        Entry [s, t] is for languages s and t, in the order of `languages`, as source and target.
        """
        limits = max(source_limit, 0), max(target_limit, 0)  # a gap is never long
        counts = np.zeros((len(self._languages), len(self._languages)), dtype=np.int64)
        for first in range(0, self.rows, _ROWS_OF_ONE):
            end = min(first + _ROWS_OF_ONE, self.rows)
            long = np.zeros(end - first, dtype=bool)
            for language in self._languages:
                long |= self.lengths_between(language, first, end) > min(limits)
            rows = first + np.flatnonzero(long)
            for start in range(0, len(rows), _ROWS_OF_ALL):
                counts += self._above(rows[start : start + _ROWS_OF_ALL], *limits)
        return counts

    def _above(self, rows: np.ndarray, *limits: int) -> np.ndarray:
        """What `count_above` counts, of these rows."""
        lengths = np.stack([self.lengths_at(language, rows) for language in self._languages])
        # As 0 and 1 in float32, whose products count pairs of languages exactly, and fast.
        present, source, target = ((lengths > limit).astype(np.float32) for limit in (0, *limits))
        counts: np.ndarray = source @ present.T + present @ target.T - source @ target.T
        return counts.astype(np.int64)

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
        """Rows that both languages have, ascending: a `range` when neither has a gap, else (n,) int64."""
        if source not in self._rank or target not in self._rank:
            return range(0)
        if self.is_full(source, target):
            return range(self.rows)
        return presence.rows_of(self._present(source) & self._present(target), self.rows)

    def common_rows_at(self, sources: np.ndarray, targets: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Rows by their numbers in `common_rows`, (n,) int64, without the list of them in memory.

        sources, targets: languages of each number, as places in `languages`, (n,) int64.
        """
        for language in np.unique(np.concatenate((sources, targets))).tolist():
            self._present(self._languages[language])
        return presence.select(self._presence, sources, targets, numbers)

    def _present(self, language: str) -> np.ndarray:
        """One bit a row: whether the language has it; kept, because n-way corpora ask once per direction."""
        rank = self._rank[language]
        if rank not in self._known_presence:
            for first in range(0, self.rows, _ROWS_OF_ONE):
                end = min(first + _ROWS_OF_ONE, self.rows)
                words = presence.packed(self.lengths_between(language, first, end) > 0)
                block = first // presence.BLOCK_ROWS
                self._presence[rank, block : block + len(words)] = words
            self._known_presence.add(rank)
        known: np.ndarray = self._presence[rank]
        return known

    @cached_property
    def _presence(self) -> np.ndarray:
        # Pages of languages that nobody asks for are never touched.
        return presence.nothing(len(self._languages), self.rows)

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
