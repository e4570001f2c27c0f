"""fairseq's generator as a store needs it: nothing is translated into nothing, and alignments come on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from fairseq.models import BaseFairseqModel
from torch import Tensor

from mtdeep.corpus import Vocabulary
from mtdeep.fairseq_plugin.generation.alignment import Aligner, Hypothesis

Sample = dict[str, Any]


class StoreGenerator:
    """Wraps fairseq's `SequenceGenerator`, or the `SequenceScorer` of ``--score-reference``; called as they are."""

    def __init__(self, generator: Any, vocabulary: Vocabulary, aligner: Aligner | None) -> None:
        self.generator = generator
        self.vocabulary = vocabulary
        self.aligner = aligner
        self.symbols_to_strip_from_output: set[int] = generator.symbols_to_strip_from_output

    def generate(
        self, models: Sequence[BaseFairseqModel], sample: Sample, prefix_tokens: Tensor | None = None, **options: Any
    ) -> list[list[Hypothesis]]:
        """Return the hypotheses, best first, of each source of *sample*.

        A source without a token besides tags and end-of-sentence has the empty one, which no model is asked for.
        """
        src_tokens = sample["net_input"]["src_tokens"]
        translatable = ((src_tokens >= self.vocabulary.unk) & (src_tokens < self.vocabulary.first_tag)).any(dim=1)
        results: list[list[Hypothesis]] = [[self._nothing(src_tokens)] for _ in range(len(translatable))]
        if bool(translatable.any()):
            batch = sample if bool(translatable.all()) else _rows(sample, translatable)
            prefix = None if prefix_tokens is None else prefix_tokens[translatable]
            hypotheses = self.generator.generate(models, batch, prefix_tokens=prefix, **options)
            if self.aligner is not None:
                self.aligner.align(batch["net_input"]["src_tokens"], hypotheses)
            for row, nbest in zip(translatable.nonzero()[:, 0].tolist(), hypotheses, strict=True):
                results[row] = nbest
        return results

    def _nothing(self, like: Tensor) -> Hypothesis:
        return {
            "tokens": like.new_tensor([self.vocabulary.eos]),
            "score": torch.zeros((), device=like.device),
            "attention": torch.empty(0),
            "alignment": [],
            "pairs": [],
            "positional_scores": torch.zeros(1, device=like.device),
        }


def _rows(sample: Sample, chosen: Tensor) -> Sample:
    """Return the part of a sample that has the chosen rows."""
    return {
        name: _rows(value, chosen) if isinstance(value, dict) else value[chosen] if torch.is_tensor(value) else value
        for name, value in sample.items()
    }
