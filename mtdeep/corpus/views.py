"""A direction as a view: the rows, over all corpora of a split, that have both its languages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType

import numpy as np

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.directions import Direction
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError, shortened

_NO_TAGS: Mapping[str, int] = MappingProxyType({})


class DirectionView:
    """Examples 0, 1, ... of a direction: the common rows of its first corpus, then of its second, and so on.

    origin_tags: ids of the tags that sources of an origin have before their pieces, by origin. kind: what its corpora
    have in common where others of the same direction are in another view, such as their origin.
    """

    # There are tens of thousands of views.
    __slots__ = ("_ends", "corpora", "direction", "kind", "origin_tags")

    def __init__(
        self,
        direction: Direction,
        corpora: Sequence[Corpus],
        origin_tags: Mapping[str, int] = _NO_TAGS,
        kind: tuple[str, ...] = (),
    ) -> None:
        self.direction = direction
        held = [(c, pairs) for c in corpora if (pairs := c.count(direction.source, direction.target))]
        self.corpora = tuple(corpus for corpus, _ in held)
        self.kind = kind
        self.origin_tags = origin_tags
        self._ends = tuple(accumulate(pairs for _, pairs in held))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __str__(self) -> str:
        return f"{self.direction} ({', '.join(self.kind)})" if self.kind else str(self.direction)

    def cut(self, kind: Callable[[Corpus], tuple[str, ...]]) -> list[DirectionView]:
        """A view for each kind that its corpora are of."""
        kinds: dict[tuple[str, ...], list[Corpus]] = {}
        for corpus in self.corpora:
            kinds.setdefault(kind(corpus), []).append(corpus)
        return [DirectionView(self.direction, corpora, self.origin_tags, name) for name, corpora in kinds.items()]

    def origin_tag(self, part: int) -> int | None:
        """Id of the tag that sources of a corpus have, before their pieces; None without one."""
        return self.origin_tags.get(self.corpora[part].origin)

    def locate(self, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of `corpora`, and which row of it, each example is: (n,) int64 each."""
        part = np.searchsorted(self._ends, examples, side="right")
        row = np.empty(len(examples), dtype=np.int64)
        for i, corpus in enumerate(self.corpora):
            here = part == i if len(self.corpora) > 1 else slice(None)
            first = self._ends[i - 1] if i else 0
            local = examples[here] - first
            if not corpus.is_full(self.direction.source, self.direction.target):
                source, target = map(corpus.languages.index, (self.direction.source, self.direction.target))
                local = corpus.common_rows_at(np.full(len(local), source), np.full(len(local), target), local)
            row[here] = local
        return part, row

    def pair(self, part: int, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target ids of a located example, without tags and end-of-sentence."""
        corpus = self.corpora[part]
        return corpus.sentence(self.direction.source, row), corpus.sentence(self.direction.target, row)


def direction_views(
    store: Store, split: str, directions: Iterable[Direction], origin_tags: Mapping[str, int] = _NO_TAGS
) -> list[DirectionView]:
    """A view for each direction of a split; raises `UserError` that names directions without a sentence."""
    views = views_if_any(store, split, directions, origin_tags)
    empty = [str(view.direction) for view in views if not len(view)]
    if empty:
        raise UserError(
            f"{store.path}: split {split!r} has no sentence for {shortened(empty)}; leave these directions out"
        )
    return views


def views_if_any(
    store: Store, split: str, directions: Iterable[Direction], origin_tags: Mapping[str, int] = _NO_TAGS
) -> list[DirectionView]:
    """A view for each direction of a split, of length 0 where it has no sentence."""
    holding: dict[str, set[int]] = {}
    corpora = store.corpora(split)
    for i, corpus in enumerate(corpora):
        for language in corpus.languages:
            holding.setdefault(language, set()).add(i)
    views = []
    for direction in directions:
        # Only corpora with both languages are asked: thousands of bilingual corpora stand beside one another.
        both = holding.get(direction.source, set()) & holding.get(direction.target, set())
        views.append(DirectionView(direction, [corpora[i] for i in sorted(both)], origin_tags))
    return views
