"""Gradient norms by layer and by matrix: the picture of "On Layer Normalization" (arXiv 2002.04745, Figure 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from mtdeep.nn import Model
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.objective import features, first_scale, loss_of


@dataclass(frozen=True)
class Gradients:
    """Euclidean norms of the gradient by the parameters of each layer of a stack, from the lowest to the highest.

    modules: the same by fairseq's name of the sub-module, such as `self_attn.v_proj`, weight and bias together.
    """

    layers: list[float]
    modules: dict[str, list[float]]


def gradient_norms(model: Model, batch: ProbeBatch, scale: float | None = None) -> dict[str, Gradients]:
    """Return the norms by stack for the mean loss of a batch, without dropout; leaves no gradients behind.

    The gradients are computed in the model's precision, from the summed loss times *scale* (`first_scale`'s).
    """
    training = model.training
    model.eval()
    model.zero_grad(set_to_none=True)
    scale = first_scale(model) if scale is None else scale
    loss = loss_of(model, features(model, batch), batch)
    (loss.smoothed * scale).backward()
    found = {name: _of([*stack.layers], scale * loss.tokens) for name, stack in model.stacks.items()}
    model.zero_grad(set_to_none=True)
    model.train(training)
    return found


def _of(layers: list[nn.Module], scale: float) -> Gradients:
    squares: dict[str, list[float]] = {}
    for number, layer in enumerate(layers):
        for name, parameter in layer.named_parameters():
            of_module = squares.setdefault(name.rpartition(".")[0], [0.0] * len(layers))
            if parameter.grad is not None:
                of_module[number] += parameter.grad.double().square().sum().item()
    modules = {name: [math.sqrt(x) / scale for x in values] for name, values in squares.items()}
    totals = [math.sqrt(sum(values)) / scale for values in zip(*squares.values(), strict=True)]
    return Gradients(totals, modules)
