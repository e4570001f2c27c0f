"""What a model is probed with: batches of a store, or of made-up sentences.

Shapes: B sentences, S source positions, T target positions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from mtdeep.corpus import (
    BatchPlanner,
    Direction,
    Schedule,
    Store,
    available,
    collate,
    direction_probabilities,
    direction_views,
)
from mtdeep.corpus.collate import EncoderTag
from mtdeep.corpus.stream import Position, batches
from mtdeep.corpus.vocabulary import EOS, SPECIALS
from mtdeep.nn import Config

# Sentences of a pool, within which the planner groups those of like length: enough for batches of every length.
_POOL = 4096
_SHORTEST, _LONGEST = 8, 24


@dataclass(frozen=True)
class ProbeBatch:
    """Token ids: source (B, S), previous (B, T), what the decoder reads, and target (B, T), padded on the right."""

    source: Tensor
    previous: Tensor
    target: Tensor

    def with_another_source(self) -> ProbeBatch | None:
        """Give each sentence the source of the one before it; None for a batch of one sentence."""
        if len(self.source) < 2:
            return None
        return ProbeBatch(self.source.roll(1, dims=0), self.previous, self.target)


    def masked(self, config: Config, seed: int) -> ProbeBatch:
        """Return what an encoder alone is trained on: 15 % of the source masked, and those tokens as the target.

        The last row of the vocabulary is the mask, as in fairseq's masked_lm.
        """
        generator = torch.Generator().manual_seed(seed)
        chosen = (torch.rand(self.source.shape, generator=generator) < 0.15) & self.source.ne(config.padding_idx)
        chosen[0, 0] = True  # a batch with nothing to tell has no loss
        target = self.source.masked_fill(~chosen, config.padding_idx)
        source = self.source.masked_fill(chosen, config.source_vocabulary_size - 1)
        return ProbeBatch(source, self.previous, target)


def made_up_batches(config: Config, count: int, *, tokens: int, seed: int) -> list[ProbeBatch]:
    """Return *count* batches of about *tokens* source tokens, a pure function of the arguments.

    Sentences have 8 to 24 words, drawn by Zipf's law from the smaller of the two vocabularies, and a translation word
    for word: each word has one counterpart, which stands at the same place. So the source is needed for the
    target, as in real text, and there is a frequency of words to be learnt first, as in real text.
    """
    random = np.random.default_rng(seed)
    size = min(config.source_vocabulary_size, config.target_vocabulary_size)
    words = np.setdiff1d(np.arange(min(len(SPECIALS), size - 1), size), [config.padding_idx])
    probabilities = 1 / np.arange(1, len(words) + 1)
    probabilities /= probabilities.sum()
    counterpart = random.permutation(words)
    sentences = max(2, round(tokens / ((_SHORTEST + _LONGEST) / 2 + 1)))
    made = []
    for _ in range(count):
        lengths = random.integers(_SHORTEST, _LONGEST + 1, size=sentences)
        chosen = [random.choice(len(words), size=length, p=probabilities) for length in lengths]
        source = _padded([np.append(words[c], EOS) for c in chosen], config.padding_idx)
        target = _padded([np.append(counterpart[c], EOS) for c in chosen], config.padding_idx)
        previous = _padded([np.append(EOS, counterpart[c]) for c in chosen], config.padding_idx)
        made.append(ProbeBatch(source, previous, target))
    return made


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

    A batch has at most *tokens* tokens on its longer side. Raises UserError for a split that the store lacks and where
    every sentence is too long.
    """
    views = direction_views(store, split, directions or available(store, split))
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
    found = islice(batches(planner, Position(), shard=0, shards=1), count)
    arrays = (collate(batch, views, store.vocabulary, encoder_tag=encoder_tag) for _, batch in found)
    return [
        ProbeBatch(*(torch.from_numpy(a[name]) for name in ("src_tokens", "prev_output_tokens", "target")))
        for a in arrays
    ]


def _padded(sentences: list[np.ndarray], padding_idx: int) -> Tensor:
    tokens = np.full((len(sentences), max(map(len, sentences))), padding_idx, dtype=np.int64)
    for row, sentence in zip(tokens, sentences, strict=True):
        row[: len(sentence)] = sentence
    return torch.from_numpy(tokens)
