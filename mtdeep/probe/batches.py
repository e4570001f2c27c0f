"""What a model is probed with: batches, and those of made-up sentences.

Shapes: B sentences, S source positions, T target positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mtdeep.corpus.vocabulary import EOS, SPECIALS
from mtdeep.nn import Config

_SHORTEST, _LONGEST = 8, 24


@dataclass(frozen=True)
class OtherSources:
    """For sentences of a batch, rows (R,), the sources of other sentences of the same direction, (R, S')."""

    rows: Tensor
    source: Tensor


@dataclass(frozen=True)
class ProbeBatch:
    """Token ids: source (B, S), previous (B, T), what the decoder reads, and target (B, T), padded on the right."""

    source: Tensor
    previous: Tensor
    target: Tensor
    others: OtherSources | None = None

    def with_another_source(self) -> tuple[ProbeBatch, ProbeBatch] | None:
        """Return the sentences that have another source, with their own source and with the other; None without any.

        Both batches hold the same sentences: those whose direction has another sentence, which need not be all.
        """
        if self.others is None or not len(self.others.rows):
            return None
        rows = self.others.rows
        own = ProbeBatch(self.source[rows], self.previous[rows], self.target[rows])
        return own, ProbeBatch(self.others.source, own.previous, own.target)

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
    target, as in real text, and there is a frequency of words to be learnt first, as in real text. The other source of
    a sentence is that of the one before it.
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
        others = OtherSources(torch.arange(sentences), source.roll(1, dims=0))
        made.append(ProbeBatch(source, previous, target, others))
    return made


def _padded(sentences: list[np.ndarray], padding_idx: int) -> Tensor:
    tokens = np.full((len(sentences), max(map(len, sentences))), padding_idx, dtype=np.int64)
    for row, sentence in zip(tokens, sentences, strict=True):
        row[: len(sentence)] = sentence
    return torch.from_numpy(tokens)
