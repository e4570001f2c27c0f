"""Batches of a pool: examples of all directions mixed, grouped by length, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mtdeep.corpus.permutation import key, mix, permute
from mtdeep.corpus.sampling import Schedule
from mtdeep.corpus.views import DirectionView
from mtdeep.errors import UserError

EXTRA_TOKENS = 2
"""What either side of an example has besides its pieces: a tag and an end-of-sentence."""
# Lengths differ by up to 1/16 within the order that batches are cut from: enough that an example does not meet the same
# neighbours whenever lengths tie, too little to cost padding.
_JITTER = 16
_SHUFFLE, _TIES = 3, 4


@dataclass(frozen=True)
class Batch:
    """Examples of one batch, (sentences,) each: view index, corpus within that view, row of that corpus."""

    direction: np.ndarray
    part: np.ndarray
    row: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


class BatchPlanner:
    """Cuts the schedule's pools into batches; pool p is a pure function of (seed, p).

    A batch of n sentences costs n times its longest side, tag and end-of-sentence counted, and costs at most
    `max_tokens` (fairseq's rule). It holds at most `max_sentences`, and a multiple of `required_batch_size_multiple`
    sentences unless it is smaller than that or the last of its pool. An example is too long, and left out, when a side
    exceeds its positions or costs more than `max_tokens` alone; `too_long` counts them.
    """

    def __init__(
        self,
        views: Sequence[DirectionView],
        schedule: Schedule,
        *,
        max_tokens: int | None,
        max_sentences: int | None,
        seed: int,
        max_source_positions: int,
        max_target_positions: int,
        required_batch_size_multiple: int = 1,
    ) -> None:
        if max_tokens is None and max_sentences is None:
            raise ValueError("a batch needs a limit: max_tokens, max_sentences, or both")
        if len(views) != len(schedule.counts) or any(
            len(v) != n for v, n in zip(views, schedule.counts.tolist(), strict=True)
        ):
            raise ValueError("the schedule was made for other directions")
        self.views = tuple(views)
        self.schedule = schedule
        self.seed = seed
        self._max_tokens = max_tokens
        self._max_sentences = max_sentences
        self._multiple = required_batch_size_multiple
        longest = max_tokens if max_tokens is not None else max(max_source_positions, max_target_positions)
        self._longest_source = min(max_source_positions, longest)
        self._longest_target = min(max_target_positions, longest)
        self._lengths = _Lengths(self.views)

    def pool(self, p: int) -> list[Batch]:
        """The batches of pool p, in training order.

        Raises `UserError` when no example of any direction is short enough to be in a batch.
        """
        direction, example = self.schedule.examples(p)
        part, row = self._lengths.locate(direction, example)
        source, target = self._lengths.of(direction, part, row)
        fits = np.flatnonzero((source <= self._longest_source) & (target <= self._longest_target))
        if not len(fits) and self.too_long.sum() == self.schedule.counts.sum():
            raise UserError(
                f"every example is longer than {self._longest_source} source or {self._longest_target} target tokens; "
                "raise --max-tokens, --max-source-positions or --max-target-positions"
            )
        longest = np.maximum(source, target)[fits]
        shortest = np.minimum(source, target)[fits]
        noise = mix(key(self.seed, _TIES, p) + np.arange(len(fits), dtype=np.uint64))
        jittered = longest + (noise % (longest // _JITTER + 1).astype(np.uint64)).astype(np.int64)
        order = np.lexsort((noise, shortest, jittered))
        chosen = fits[order]
        cuts = self._cut(longest[order])
        shuffled = permute(np.arange(len(cuts)), max(len(cuts), 1), key(self.seed, _SHUFFLE, p))
        slices = (chosen[cuts[i][0] : cuts[i][1]] for i in shuffled)
        return [Batch(direction[s], part[s], row[s]) for s in slices]

    @cached_property
    def too_long(self) -> np.ndarray:
        """Examples of each direction that are too long for any batch, (directions,) int64."""
        return self._lengths.count_above(self._longest_source, self._longest_target)

    def _cut(self, longest: np.ndarray) -> list[tuple[int, int]]:
        """Start and end of each batch over examples in bucket order, whose longest sides are given."""
        cuts = []
        start, total = 0, len(longest)
        while start < total:
            window = self._max_sentences or total
            if self._max_tokens is not None:
                # Twice what fits if all are as long as the first: the jitter lets later ones be a little shorter.
                window = min(window, 2 * self._max_tokens // int(longest[start]))
            sides = np.maximum.accumulate(longest[start : start + window])
            size = len(sides)
            if self._max_tokens is not None:
                cost = sides * np.arange(1, size + 1)
                size = max(int(np.searchsorted(cost, self._max_tokens, side="right")), 1)
            if size > self._multiple and start + size < total:
                size -= size % self._multiple
            cuts.append((start, start + size))
            start += size
        return cuts


class _Lengths:
    """Lengths of located examples, fetched once per (corpus, language) rather than once per example."""

    def __init__(self, views: tuple[DirectionView, ...]) -> None:
        self._views = views
        corpora = {id(corpus): corpus for view in views for corpus in view.corpora}
        self._corpora = list(corpora.values())
        number = {i: n for n, i in enumerate(corpora)}
        self._languages = list(dict.fromkeys(c for v in views for c in (v.direction.source, v.direction.target)))
        rank = {language: i for i, language in enumerate(self._languages)}
        self._source = np.array([rank[view.direction.source] for view in views], dtype=np.int64)
        self._target = np.array([rank[view.direction.target] for view in views], dtype=np.int64)
        parts = max((len(view.corpora) for view in views), default=0)
        self._corpus = np.full((len(views), max(parts, 1)), -1, dtype=np.int64)
        for d, view in enumerate(views):
            self._corpus[d, : len(view.corpora)] = [number[id(corpus)] for corpus in view.corpora]
        # One corpus without gaps: example k is row k, and the pool need not ask the view.
        self._identity = np.array([_is_identity(view) for view in views], dtype=bool)

    def locate(self, direction: np.ndarray, example: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Corpus within its view and row, for examples sorted by direction."""
        part, row = np.zeros(len(example), dtype=np.int64), example.copy()
        first = np.flatnonzero(np.diff(direction, prepend=-1))
        last = np.append(first[1:], len(direction))
        for start, end in zip(first.tolist(), last.tolist(), strict=True):
            d = direction[start]
            if not self._identity[d]:
                part[start:end], row[start:end] = self._views[d].locate(example[start:end])
        return part, row

    def of(self, direction: np.ndarray, part: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source and target lengths, tag and end-of-sentence counted: (n,) int64 each."""
        corpus = self._corpus[direction, part]
        source = self._fetch(corpus, self._source[direction], row)
        target = self._fetch(corpus, self._target[direction], row)
        return source + EXTRA_TOKENS, target + EXTRA_TOKENS

    def _fetch(self, corpus: np.ndarray, language: np.ndarray, row: np.ndarray) -> np.ndarray:
        group = corpus * len(self._languages) + language
        order = np.argsort(group, kind="stable")
        ordered = group[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        lengths = np.empty(len(row), dtype=np.int64)
        for start, end in zip(first.tolist(), [*first[1:].tolist(), len(ordered)], strict=False):
            here = order[start:end]
            c, i = divmod(int(ordered[start]), len(self._languages))
            lengths[here] = self._corpora[c].lengths_at(self._languages[i], row[here])
        return lengths

    def count_above(self, longest_source: int, longest_target: int) -> np.ndarray:
        """Examples of each view with a side above its limit; looks at the few long rows only."""
        long_rows: dict[tuple[int, str, int], np.ndarray] = {}
        counts = np.zeros(len(self._views), dtype=np.int64)
        for d, view in enumerate(self._views):
            limits = ((view.direction.source, longest_source), (view.direction.target, longest_target))
            for corpus in view.corpora:
                rows: set[int] = set()
                for (language, limit), other in zip(limits, (limits[1][0], limits[0][0]), strict=True):
                    where = (id(corpus), language, limit)
                    if where not in long_rows:
                        long_rows[where] = np.flatnonzero(corpus.lengths(language) > limit - EXTRA_TOKENS)
                    candidates = long_rows[where]
                    if len(candidates):
                        rows.update(candidates[corpus.lengths_at(other, candidates) > 0].tolist())
                counts[d] += len(rows)
        return counts


def _is_identity(view: DirectionView) -> bool:
    source, target = view.direction.source, view.direction.target
    return len(view.corpora) == 1 and view.corpora[0].count(source, target) == view.corpora[0].rows
