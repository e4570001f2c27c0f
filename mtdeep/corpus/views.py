"""A direction as a view: the rows, over all corpora of a split, that have both its languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.directions import Direction
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError


class DirectionView:
    """Examples 0, 1, ... of a direction: the common rows of its first corpus, then of its second, and so on."""

    def __init__(self, direction: Direction, corpora: Sequence[Corpus]) -> None:
        self.direction = direction
        self.corpora = tuple(c for c in corpora if c.count(direction.source, direction.target))
        counts = [corpus.count(direction.source, direction.target) for corpus in self.corpora]
        self._ends = np.cumsum(counts, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def locate(self, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of `corpora`, and which row of it, each example is: (n,) int64 each."""
        part = np.searchsorted(self._ends, examples, side="right")
        row = np.empty(len(examples), dtype=np.int64)
        for i, corpus in enumerate(self.corpora):
            here = part == i if len(self.corpora) > 1 else slice(None)
            first = self._ends[i - 1] if i else 0
            rows = corpus.common_rows(self.direction.source, self.direction.target)
            local = examples[here] - first
            row[here] = local if isinstance(rows, range) else rows[local]
        return part, row

    def pair(self, part: int, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target ids of a located example, without tags and end-of-sentence."""
        corpus = self.corpora[part]
        return corpus.sentence(self.direction.source, row), corpus.sentence(self.direction.target, row)


def direction_views(store: Store, split: str, directions: Iterable[Direction]) -> list[DirectionView]:
    """A view for each direction of a split; raises `UserError` that names directions without a sentence."""
    holding: dict[str, set[int]] = {}
    corpora = store.corpora(split)
    for i, corpus in enumerate(corpora):
        for language in corpus.languages:
            holding.setdefault(language, set()).add(i)
    views = []
    for direction in directions:
        # Only corpora with both languages are asked: thousands of bilingual corpora stand beside one another.
        both = holding.get(direction.source, set()) & holding.get(direction.target, set())
        views.append(DirectionView(direction, [corpora[i] for i in sorted(both)]))
    empty = [str(view.direction) for view in views if not len(view)]
    if empty:
        shown = ", ".join(empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
        raise UserError(f"{store.path}: split {split!r} has no sentence for {shown}; leave these directions out")
    return views
