"""A few validation sentences, with their own sources and with those of others, and their targets' unigram loss.

Shapes: B sentences, S source positions, T target positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from fairseq.data import FairseqDataset, data_utils
from fairseq.data.iterators import EpochBatchIterating, EpochBatchIterator
from torch import Tensor

from mtdeep.fairseq_plugin.datasets import DirectionsDataset, Sample

SENTENCES, DIRECTIONS = 32, 8
"""How many are taken at most, and of how many directions."""
COUNTED, COLLATED = 2000, 64
"""Sentences whose target tokens are counted at most, and how many of them at a time."""
TENSORS = ("src_tokens", "src_lengths", "prev_output_tokens")


class Limits(NamedTuple):
    """Those of a validation batch: sentences, and tokens of the longer side with its padding; None is no limit."""

    sentences: int | None
    tokens: int | None


@dataclass(frozen=True)
class SourceSentences:
    """Two batches of fairseq's, with the same targets: own and other sources.

    unigram: bits a token of the targets under the relative frequencies of the tokens in the split's targets.
    """

    own: Sample
    other: Sample
    unigram: float

    @classmethod
    def of(cls, iterator: EpochBatchIterating, padding: int, limits: Limits, seed: int) -> SourceSentences | None:
        """Take sentences of middling length out of a validation split; None where the split has none to compare.

        *padding*: that of targets. Where not even two are within the limits there is none to compare. The same iterator
        gives the same sentences in every process. Nothing is taken of data that a training cannot read outside of its
        loader, nor of others than pairs of texts.
        """
        if not isinstance(iterator, EpochBatchIterator):
            return None
        dataset = iterator.dataset
        if not getattr(dataset, "supports_fetch_outside_dataloader", True):
            return None
        readable = np.concatenate([np.asarray(batch, dtype=np.int64) for batch in iterator.frozen_batches])
        chosen = within(dataset, limits, readable)
        if not len(chosen):
            return None
        own = collated(dataset, chosen, seed)
        if not pairs_texts(own):
            return None
        other = with_other_sources(own, dataset)
        if torch.equal(own["net_input"]["src_tokens"], other["net_input"]["src_tokens"]):
            return None
        evenly = readable[np.unique(np.linspace(0, len(readable) - 1, COUNTED).astype(np.int64))]
        counts = np.zeros(0, dtype=np.int64)
        for numbers in np.array_split(np.union1d(evenly, chosen), -(-len(evenly) // COLLATED)):
            counts = added(counts, collated(dataset, numbers, seed)["target"], padding)
        return cls(own, other, unigram_loss(own["target"], counts, padding))


def within(dataset: FairseqDataset, limits: Limits, readable: np.ndarray) -> np.ndarray:
    """Return the numbers of up to SENTENCES examples that make one batch within the limits."""
    directions = directions_of(dataset, readable)
    chosen = choose(readable, directions, min(SENTENCES, limits.sentences or SENTENCES))
    while len(chosen) and limits.tokens is not None:
        at_most = limits.tokens // max(dataset.num_tokens(int(number)) for number in chosen)
        if len(chosen) <= at_most:
            break
        chosen = choose(readable, directions, min(at_most, len(chosen) - 1))
    return chosen


def choose(readable: np.ndarray, directions: np.ndarray, sentences: int) -> np.ndarray:
    """Return the numbers of up to so many examples, of up to DIRECTIONS directions that have two or more.

    *readable* is in order of length; of each direction those in the middle are taken, which have like lengths.
    """
    present, counts = np.unique(directions, return_counts=True)
    present = present[counts > 1]
    at_most = min(DIRECTIONS, sentences // 2)
    if not len(present) or not at_most:
        return readable[:0]
    some = present[np.unique(np.linspace(0, len(present) - 1, at_most).astype(np.int64))]
    size = sentences // len(some)
    chosen = []
    for direction in some:
        here = readable[directions == direction]
        first = max(0, (len(here) - size) // 2)
        chosen.append(here[first : first + size])
    return np.concatenate(chosen)


def directions_of(dataset: FairseqDataset, numbers: np.ndarray) -> np.ndarray:
    """Return the directions of examples, (examples,); fairseq's own `translation` has one."""
    if isinstance(dataset, DirectionsDataset):
        return dataset.directions_of(numbers)
    return np.zeros(len(numbers), dtype=np.int64)


def collated(dataset: FairseqDataset, numbers: np.ndarray, seed: int) -> Sample:
    """Return the batch of the examples with these numbers; random numbers stay as they were."""
    with data_utils.numpy_seed(seed):
        sample: Sample = dataset.collater([dataset[int(number)] for number in numbers])
    return sample


def pairs_texts(sample: Any) -> bool:
    """Whether a batch is of one kind of translation, from tokens to tokens."""
    inputs = sample.get("net_input", {})
    has_all = "target" in sample and all(name in inputs for name in TENSORS)
    return has_all and not inputs["src_tokens"].is_floating_point()


def with_other_sources(sample: Sample, dataset: FairseqDataset) -> Sample:
    """Return the batch with the source of each sentence's predecessor in its direction; the first has the last one's.

    Batches of fairseq's are sorted by length, whatever order they were asked for in.
    """
    directions = torch.from_numpy(directions_of(dataset, sample["id"].numpy()))
    other = torch.arange(len(directions))
    for direction in directions.unique():
        rows = other[directions == direction]
        other[directions == direction] = rows.roll(1)
    inputs = sample["net_input"]
    return {**sample, "net_input": {**inputs, **{name: inputs[name][other] for name in ("src_tokens", "src_lengths")}}}


def added(counts: np.ndarray, target: Tensor, padding: int) -> np.ndarray:
    """Return how often each token has been counted, (tokens,), those of *target* (B, T) included."""
    more = np.bincount(target[target.ne(padding)].numpy(), minlength=len(counts))
    more[: len(counts)] += counts
    return more


def unigram_loss(target: Tensor, counts: np.ndarray, padding: int) -> float:
    """Return the bits a token of *target* (B, T) under relative frequencies, *counts* having all of its tokens."""
    tokens = target[target.ne(padding)].numpy()
    return float(-np.log2(counts[tokens] / counts.sum()).mean())
