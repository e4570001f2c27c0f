"""Batches of a pool: examples of all directions mixed, grouped by length, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.permutation import key, mix, permute
from mtdeep.corpus.schedule import Schedule
from mtdeep.corpus.views import DirectionView
from mtdeep.errors import UserError

EXTRA_TOKENS = 2
"""What either side of an example has besides its pieces, an origin's tag apart: a tag and an end-of-sentence."""
# Lengths differ by up to 1/32 within the order that batches are cut from: enough that a long example, with few of its
# length, does not meet the same neighbours in every pool, too little to cost much padding.
_JITTER = 32
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

    A batch of n sentences costs n times its longest side, tags and end-of-sentence counted, and costs at most
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
        noise = mix(key(self.seed, _TIES, p) + np.arange(len(fits), dtype=np.uint64))
        jittered = longest + (noise % (longest // _JITTER + 1).astype(np.uint64)).astype(np.int64)
        # Among examples of one length, those with the shorter source and those with the shorter target stay apart, and
        # every other length goes through them the other way round, so that neighbours differ little throughout.
        excess = (source - target)[fits]
        order = np.lexsort((noise, np.where(jittered % 2, excess, -excess), jittered))
        chosen = fits[order]
        cuts = self._cut(longest[order])
        shuffled = permute(np.arange(len(cuts)), max(len(cuts), 1), key(self.seed, _SHUFFLE, p))
        slices = (chosen[cuts[i][0] : cuts[i][1]] for i in shuffled)
        return [Batch(direction[s], part[s], row[s]) for s in slices]

    def padding_share(self, batches: Sequence[Batch]) -> float:
        """Share of padding among the positions of both sides of batches, as `collate` would lay them out."""
        direction, part, row = (
            np.concatenate([getattr(batch, name) for batch in batches]) for name in ("direction", "part", "row")
        )
        sides = self._lengths.of(direction, part, row)
        sizes = np.array([len(batch) for batch in batches])
        starts = np.cumsum(sizes) - sizes
        positions = sum(int((np.maximum.reduceat(side, starts) * sizes).sum()) for side in sides)
        return 1 - sum(int(side.sum()) for side in sides) / positions

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
        # The corpora of view d are those from first[d] on: one direction may have a thousand, and most have one.
        self._parts = np.array([len(view.corpora) for view in views], dtype=np.int64)
        self._first = np.cumsum(self._parts) - self._parts
        self._corpus = np.array([number[id(corpus)] for view in views for corpus in view.corpora], dtype=np.int64)
        self._tags = np.zeros(len(self._corpora), dtype=np.int64)
        for view in views:
            for part, corpus in enumerate(view.corpora):
                self._tags[number[id(corpus)]] = view.origin_tag(part) is not None
        counts = [c.count(v.direction.source, v.direction.target) for v in views for c in v.corpora]
        # Examples before each corpus of each view, all views after one another.
        self._before = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        rows = np.array([corpus.rows for corpus in self._corpora], dtype=np.int64)
        self._has_gaps = np.array(counts, dtype=np.int64) < rows[self._corpus]

    def locate(self, direction: np.ndarray, example: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Corpus within its view and row, as the views' own `locate`, for all directions at once."""
        number = self._before[self._first[direction]] + example
        place = np.searchsorted(self._before, number, side="right") - 1
        row = number - self._before[place]
        asked = np.flatnonzero(self._has_gaps[place])
        for c, here in _by_group(self._corpus[place[asked]]):
            chosen = asked[here]
            own = self._places(self._corpora[c])
            source, target = own[self._source[direction[chosen]]], own[self._target[direction[chosen]]]
            row[chosen] = self._corpora[c].common_rows_at(source, target, row[chosen])
        return place - self._first[direction], row

    def _places(self, corpus: Corpus) -> np.ndarray:
        """Where each language stands in a corpus, (languages,) int64; -1 where it has none."""
        place = {language: i for i, language in enumerate(corpus.languages)}
        return np.array([place.get(language, -1) for language in self._languages])

    def of(self, direction: np.ndarray, part: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source and target lengths, tags and end-of-sentence counted: (n,) int64 each."""
        corpus = self._corpus[self._first[direction] + part]
        source = self._fetch(corpus, self._source[direction], row)
        target = self._fetch(corpus, self._target[direction], row)
        return source + EXTRA_TOKENS + self._tags[corpus], target + EXTRA_TOKENS

    def _fetch(self, corpus: np.ndarray, language: np.ndarray, row: np.ndarray) -> np.ndarray:
        lengths = np.empty(len(row), dtype=np.int64)
        for group, here in _by_group(corpus * len(self._languages) + language):
            c, i = divmod(group, len(self._languages))
            lengths[here] = self._corpora[c].lengths_at(self._languages[i], row[here])
        return lengths

    def count_above(self, longest_source: int, longest_target: int) -> np.ndarray:
        """Examples of each view with a side above its limit, (views,) int64."""
        counts = np.zeros(len(self._views), dtype=np.int64)
        view = np.repeat(np.arange(len(self._views)), self._parts)
        for c, here in _by_group(self._corpus):
            corpus, views = self._corpora[c], view[here]
            limits = longest_source - EXTRA_TOKENS - int(self._tags[c]), longest_target - EXTRA_TOKENS
            own = self._places(corpus)
            counts[views] += corpus.count_above(*limits)[own[self._source[views]], own[self._target[views]]]
        return counts


def _by_group(group: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each group's number and the places where it stands, ascending."""
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    for here in np.split(order, first[1:]) if len(order) else ():
        yield int(group[here[0]]), here
