"""How far the output of a stack moves when the weights do: DeepNet's ||F(x, theta*) - F(x, theta_0)||."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtdeep.nn import Model
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.objective import read_tokens, score
from mtdeep.probe.states import run
from mtdeep.probe.statistics import token_norm

SGD_RATE = 1e-3
LINEAR = 0.003
"""The relative change up to which an update is taken to be linear in its rate."""


@dataclass(frozen=True)
class Change:
    """Mean over the tokens of the norm of the difference; relative: divided by the mean norm of the output before."""

    absolute: float
    relative: float


def change(before: Tensor, after: Tensor, real: Tensor) -> Change:
    """Compare two outputs (B, T, D) at the real tokens (B, T)."""
    moved, size = token_norm(after.float() - before.float(), real), token_norm(before, real)
    return Change(moved, moved / size if size else math.nan)


def changes(
    model: Model, probe: ProbeBatch, before: dict[str, Tensor], *, autocast: bool = False
) -> dict[str, Change]:
    """Return by stack how far the outputs on *probe* are from those *before*."""
    after, _ = run(model, probe, autocast=autocast)
    padding = model.config.padding_idx
    return {name: change(before[name], after[name], read_tokens(name, probe).ne(padding)) for name in before}


@dataclass(frozen=True)
class SgdUpdate:
    """Relative change of the outputs after one step of plain gradient descent, divided by its rate, by stack.

    The rate is 1e-3, or what changes no output by more than 0.3 %: a change is linear in the rate while it is small.
    matrices: the step is taken by the matrices of the layers alone. They are all that the theorems on model updates
    speak of: with DeepNorm's constants this does not grow with depth (arXiv 2203.00555, Theorems 4.2 and 4.3).
    layers: by all parameters of the layers, normalisations and biases too, which the theorems leave out.
    """

    matrices: dict[str, float]
    layers: dict[str, float]


def sgd_update(model: Model, probe: ProbeBatch, batch: ProbeBatch) -> SgdUpdate:
    """Measure on *probe* what a step on *batch* does to a float32 model, without dropout, and take the step back."""
    model.eval()
    before, _ = run(model, probe)
    model.zero_grad(set_to_none=True)
    score(model, batch).mean.backward()
    of_layers = [(p, p.grad) for name, p in model.named_parameters() if ".layers." in name and p.grad is not None]
    found = []
    for chosen in ([(p, gradient) for p, gradient in of_layers if p.dim() > 1], of_layers):
        rate, per_rate = SGD_RATE, _update(model, probe, before, chosen, SGD_RATE)
        while LINEAR < (moved := max(per_rate.values()) * rate) < math.inf:
            rate *= 0.9 * LINEAR / moved
            per_rate = _update(model, probe, before, chosen, rate)
        found.append(per_rate)
    model.zero_grad(set_to_none=True)
    return SgdUpdate(*found)


def _update(
    model: Model, probe: ProbeBatch, before: dict[str, Tensor], chosen: Sequence[tuple[Tensor, Tensor]], rate: float
) -> dict[str, float]:
    """Return the relative change by the rate, by stack, and leave the (parameter, gradient) pairs as they were."""
    kept = [p.detach().clone() for p, _ in chosen]
    with torch.no_grad():
        for p, gradient in chosen:
            p.sub_(gradient, alpha=rate)
        moved = changes(model, probe, before)
        for (p, _), value in zip(chosen, kept, strict=True):
            p.copy_(value)
    return {name: each.relative / rate for name, each in moved.items()}
