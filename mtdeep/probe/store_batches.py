"""Batches of a store: pairs of its directions, or the sentences of one language for a stack on its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import torch

from mtdeep.corpus import (
    BatchPlanner,
    Direction,
    DirectionView,
    Schedule,
    Store,
    available,
    collate,
    direction_probabilities,
    direction_views,
)
from mtdeep.corpus.batches import EXTRA_TOKENS, Batch
from mtdeep.corpus.collate import EncoderTag
from mtdeep.corpus.stream import Position, batches
from mtdeep.nn import Config
from mtdeep.probe.batches import OtherSources, ProbeBatch

# Sentences of a pool, within which the planner groups those of like length: enough for batches of every length.
_POOL = 4096
# Examples of a direction among which another source is sought, one of like length: enough where few are repeated.
_TRIED = 8


def store_batches(
    store: Store,
    split: str,
    config: Config,
    count: int,
    *,
    tokens: int,
    seed: int,
    encoder_tag: EncoderTag = "src",
    directions: Iterable[Direction] | None = None,
) -> list[ProbeBatch]:
    """Return *count* batches of some or all directions of a split, as training would draw them at temperature 1.

    A batch has at most *tokens* tokens on its longer side. Other sources are other sentences of the same direction,
    drawn from the whole split, since a batch of many directions may have one sentence of each. Raises UserError for a
    split that the store lacks and where every sentence is too long.
    """
    views = direction_views(store, split, directions or available(store, split))
    random = np.random.default_rng(seed)
    found = []
    for batch in _planned(views, config, count, tokens=tokens, seed=seed):
        arrays = collate(batch, views, store.vocabulary, encoder_tag=encoder_tag)
        rows, others = _others(batch, views, config.max_source_positions, random)
        source = collate(others, views, store.vocabulary, encoder_tag=encoder_tag)["src_tokens"]
        pairs = _batch(arrays["src_tokens"], arrays["prev_output_tokens"], arrays["target"])
        found.append(replace(pairs, others=OtherSources(torch.from_numpy(rows), torch.from_numpy(source))))
    return found


def text_batches(
    store: Store, split: str, language: str, config: Config, count: int, *, tokens: int, seed: int
) -> list[ProbeBatch]:
    """Return *count* batches of sentences of one language, without tags, as fairseq's tasks for one stack read them.

    source `<s> x </s>`, for masked_lm; previous `</s> x` and target `x </s>`, for language_modeling with a sentence a
    sample. Raises UserError for a split that has no sentence of the language and where every sentence is too long.
    """
    views = direction_views(store, split, [Direction(language, language)])
    found = []
    for batch in _planned(views, config, count, tokens=tokens, seed=seed):
        arrays = collate(batch, views, store.vocabulary)
        source, target = arrays["src_tokens"], arrays["target"][:, 1:]
        source[:, 0] = store.vocabulary.bos  # where the tag is
        previous = np.delete(arrays["prev_output_tokens"], 1, axis=1)
        found.append(_batch(source, previous, target))
    return found


def _batch(source: np.ndarray, previous: np.ndarray, target: np.ndarray) -> ProbeBatch:
    return ProbeBatch(torch.from_numpy(source), torch.from_numpy(previous), torch.from_numpy(target))


def _planned(
    views: Sequence[DirectionView], config: Config, count: int, *, tokens: int, seed: int
) -> Iterator[Batch]:
    counts = np.array([len(view) for view in views])
    schedule = Schedule(counts, direction_probabilities(counts, 1.0), _POOL, seed)
    planner = BatchPlanner(
        views,
        schedule,
        max_tokens=tokens,
        max_sentences=None,
        seed=seed,
        max_source_positions=config.max_source_positions,
        max_target_positions=config.max_target_positions,
    )
    return (batch for _, batch in islice(batches(planner, Position(), shard=0, shards=1), count))


def _others(
    batch: Batch, views: Sequence[DirectionView], longest: int, random: np.random.Generator
) -> tuple[np.ndarray, Batch]:
    """Return the rows (R,) of the batch that have another source, and for each an example that has it."""
    found = []
    for number, (d, part, row) in enumerate(zip(batch.direction, batch.part, batch.row, strict=True)):
        other = _another(views[d], int(part), int(row), longest, random)
        if other is not None:
            found.append((number, int(d), *other))
    rows, direction, parts, others = np.array(found, dtype=np.int64).reshape(-1, 4).T
    return rows.copy(), Batch(direction, parts, others)


def _another(
    view: DirectionView, part: int, row: int, longest: int, random: np.random.Generator
) -> tuple[int, int] | None:
    """Return corpus and row of another sentence of the direction, of like length; None if none is found that fits."""

    def source(part: int, row: int) -> np.ndarray:
        return view.corpora[part].sentence(view.direction.source, row)

    own = source(part, row)
    tried = np.arange(len(view)) if len(view) <= _TRIED else random.integers(len(view), size=_TRIED)
    found = [(int(p), int(r)) for p, r in zip(*view.locate(tried), strict=True)]
    lengths = {
        place: len(text)
        for place in found
        if not np.array_equal(text := source(*place), own) and len(text) + EXTRA_TOKENS <= longest
    }
    return min(lengths, key=lambda place: abs(lengths[place] - len(own)), default=None)
