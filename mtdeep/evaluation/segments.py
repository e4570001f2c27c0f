"""What a split has to translate and to compare with: for each direction, its rows in all corpora of the split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mtdeep.corpus import Corpus, Direction, Store
from mtdeep.errors import UserError

# A row of the split: which of its corpora, and which row of that.
Row = tuple[int, int]


@dataclass(frozen=True)
class SplitRows:
    """The corpora of one split of a store, all of which keep their raw text."""

    corpora: tuple[Corpus, ...]

    @classmethod
    def of(cls, store: Store, split: str) -> SplitRows:
        """Open a split; raises UserError when the store lacks it or keeps no raw text for it."""
        corpora = tuple(store.corpora(split))
        for corpus in corpora:
            if not all(corpus.has_text(language) for language in corpus.languages):
                raise UserError(f"{store.path}: split {split!r} keeps no raw text to score against; evaluate another.")
        return cls(corpora)

    def count(self, direction: Direction) -> int:
        """Number of rows that a direction has."""
        return sum(corpus.count(direction.source, direction.target) for corpus in self.corpora)

    def rows(self, direction: Direction) -> list[Row]:
        """Return the rows of a direction; a segment's place in it is its place here."""
        return [
            (index, int(row))
            for index, corpus in enumerate(self.corpora)
            for row in corpus.common_rows(direction.source, direction.target)
        ]

    def too_long(self, directions: Iterable[Direction], longest: int) -> list[tuple[Corpus, int, str]]:
        """Return (corpus, row, language) of every source of *directions* with more than *longest* tokens."""
        targets: dict[str, list[str]] = {}
        for direction in directions:
            targets.setdefault(direction.source, []).append(direction.target)
        found = []
        for corpus in self.corpora:
            for source in filter(targets.__contains__, corpus.languages):
                rows = np.flatnonzero(corpus.lengths(source) > longest)
                others = [target for target in targets[source] if rows.size and target in corpus.languages]
                wanted = np.zeros(len(rows), dtype=bool)
                for target in others:
                    wanted |= corpus.lengths_at(target, rows) > 0
                found += [(corpus, int(row), source) for row in rows[wanted]]
        return found

    def sentences(self, language: str, rows: Sequence[Row]) -> list[np.ndarray]:
        """Return the token ids of rows."""
        return [self.corpora[index].sentence(language, row) for index, row in rows]

    def texts(self, language: str, rows: Sequence[Row]) -> list[str]:
        """Return the raw text of rows."""
        return [self.corpora[index].text(language, row) for index, row in rows]
