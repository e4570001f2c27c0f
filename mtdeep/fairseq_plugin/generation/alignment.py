"""Which source token each token of a translation looks at, by cross-attention averaged over the heads of one layer."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from fairseq.models import BaseFairseqModel
from torch import Tensor

from mtdeep.corpus import Vocabulary
from mtdeep.errors import UserError
from mtdeep.nn.alignment import default_alignment_layer

Kind = Literal["hard", "soft"]
# What fairseq's generators return of a translation.
Hypothesis = dict[str, Any]


@dataclass(frozen=True)
class Aligner:
    """Adds alignments to hypotheses, from one pass over the whole of each, averaged over the models of an ensemble.

    layer: the decoder layer, from 0; None is the last but one. Raises UserError when a model lacks it, or returns no
    attention.
    """

    kind: Kind
    layer: int | None
    models: Sequence[BaseFairseqModel]
    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        for model in self.models:
            decoder = getattr(model, "decoder", None)
            if decoder is None or "alignment_layer" not in inspect.signature(decoder.forward).parameters:
                raise UserError(
                    f"--print-alignment and --replace-unk need a decoder that returns its attention to the source, "
                    f"which {type(model).__name__}'s does not; leave them out."
                )
            if self.layer is not None and not 0 <= self.layer < len(decoder.layers):
                raise UserError(
                    f"--alignment-layer is {self.layer}, but must be from 0 to {len(decoder.layers) - 1} for "
                    f"{type(model).__name__}."
                )

    def align(self, src_tokens: Tensor, hypotheses: Sequence[Sequence[Hypothesis]]) -> None:
        """Set ``alignment``, in the form of fairseq's, of each source's hypotheses; src_tokens is (sources, time).

        hard: pairs (source place, target place), one a target token, of highest weight. soft: for each target token
        and the end-of-sentence the weights of the source tokens and of its end-of-sentence, as text. Places count what
        is printed: no tags, no padding. ``pairs`` are the hard ones, whatever the kind, which unknown words are
        replaced by. ``attention`` becomes (source time, target time), with all of these.
        """
        rows = [row for row, mine in enumerate(hypotheses) for _ in mine]
        flat = [hypothesis for mine in hypotheses for hypothesis in mine]
        sources = src_tokens[torch.tensor(rows, device=src_tokens.device)]
        weights = self._weights(sources, [hypothesis["tokens"] for hypothesis in flat]).cpu()
        for hypothesis, source, weight in zip(flat, sources.cpu(), weights, strict=True):
            tokens = hypothesis["tokens"].cpu()
            weight = weight[: len(tokens), source != self.vocabulary.pad]
            hypothesis["attention"] = weight.T
            source = source[source != self.vocabulary.pad]
            hypothesis["pairs"] = pairs = self._hard(weight, source, tokens)
            hypothesis["alignment"] = pairs if self.kind == "hard" else self._soft(weight, source, tokens)

    @torch.no_grad()
    def _weights(self, sources: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """Return (hypotheses, target time, source time), float32."""
        vocabulary = self.vocabulary
        previous = sources.new_full((len(targets), max(map(len, targets))), vocabulary.pad)
        for row, tokens in enumerate(targets):
            previous[row, 0] = vocabulary.eos
            previous[row, 1 : len(tokens)] = tokens[:-1]
        lengths = sources.ne(vocabulary.pad).sum(dim=1)
        total = torch.zeros(())
        for model in self.models:
            layer = default_alignment_layer(len(model.decoder.layers)) if self.layer is None else self.layer
            encoded = model.encoder(sources, src_lengths=lengths)
            _, extra = model.decoder(previous, encoder_out=encoded, features_only=True, alignment_layer=layer)
            total = total.to(sources.device) + extra["attn"][0].float()
        return total / len(self.models)

    def _hard(self, weight: Tensor, source: Tensor, target: Tensor) -> list[tuple[int, int]]:
        there, here = self._printed(source), self._printed(target)
        if not there.any():
            return []
        return [(place, i) for i, place in enumerate(weight[here][:, there].argmax(dim=1).tolist())]

    def _soft(self, weight: Tensor, source: Tensor, target: Tensor) -> list[list[str]]:
        there, here = (self._printed(tokens) | tokens.eq(self.vocabulary.eos) for tokens in (source, target))
        return [[f"{x:.6f}" for x in row] for row in weight[here][:, there].tolist()]

    def _printed(self, tokens: Tensor) -> Tensor:
        """Return which of (time,) are pieces or unknown."""
        return (tokens >= self.vocabulary.unk) & (tokens < self.vocabulary.first_tag)
