"""How a model is run and scored here: its output for a batch, its loss.

Shapes: B sentences, S source positions, T target positions, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mtdeep.nn import Model, linear_cross_entropy
from mtdeep.precision import AUTOCAST
from mtdeep.probe.batches import ProbeBatch

LABEL_SMOOTHING = 0.1
"""That of the papers."""


@dataclass(frozen=True)
class Loss:
    """Label-smoothed cross-entropy, with a gradient, summed over the tokens; mean negative log-likelihood, in nats."""

    smoothed: Tensor
    nll: float
    tokens: int

    @property
    def mean(self) -> Tensor:
        """The loss of a token."""
        return self.smoothed / self.tokens


def read_tokens(name: str, batch: ProbeBatch) -> Tensor:
    """Return the tokens that the stack of this name reads: (B, S) for an encoder, (B, T) for a decoder."""
    return batch.source if name == "encoder" else batch.previous


def features(model: Model, batch: ProbeBatch) -> Tensor:
    """Return the model's output before the vocabulary, the F of DeepNet (arXiv 2203.00555).

    (B, T, D), or (B, S, D) of an encoder alone.
    """
    return model.features(batch.source, batch.previous)


def score(model: Model, batch: ProbeBatch, *, autocast: bool = False) -> Loss:
    """Run the model on a batch; with autocast, its matrix products are in the type that fairseq's --amp has on a CPU.

    So they are in the backward pass, which belongs outside of autocast.
    """
    with torch.autocast("cpu", AUTOCAST["cpu"], enabled=autocast):
        return loss_of(model, features(model, batch), batch)


def loss_of(model: Model, states: Tensor, batch: ProbeBatch) -> Loss:
    """Score features (B, T, D) against the batch's targets."""
    padding = model.config.padding_idx
    smoothed, nll = linear_cross_entropy(
        states.flatten(0, 1),
        model.output_projection.weight,
        batch.target.flatten(),
        label_smoothing=LABEL_SMOOTHING,
        padding_idx=padding,
    )
    tokens = int(batch.target.ne(padding).sum())
    return Loss(smoothed, nll.item() / tokens, tokens)


def first_scale(model: Model) -> float:
    """Return what the summed loss is multiplied by before the backward pass: 128 in float16, as fairseq's --fp16 does.

    The gradients are divided by it, and by the number of tokens, in float32 afterwards.
    """
    return 128.0 if next(model.parameters()).dtype == torch.float16 else 1.0
