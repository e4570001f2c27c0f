"""Gradient norms by layer, by matrix and by the stream: "On Layer Normalization" (arXiv 2002.04745, Figure 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from mtdeep.nn import Model
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.hooks import Hooks, tensors_of
from mtdeep.probe.objective import first_scale, score


@dataclass(frozen=True)
class Gradients:
    """Euclidean norms of the gradient by the parameters of each layer of a stack, from the lowest to the highest.

    modules: the same by fairseq's name of the sub-module, such as `self_attn.v_proj`, weight and bias together.
    stream: norms of the gradient by what flows between the layers, the states of all tokens together (of ResiDual's two
    streams too); first by what the lowest layer reads, then by what is behind each layer. This is what has come down
    through the normalisations (arXiv 2002.04745, Lemma 3; 2203.00555, section 3), before any matrix has its share.
    """

    layers: list[float]
    modules: dict[str, list[float]]
    stream: list[float]


@dataclass(frozen=True)
class Flow:
    """How the norms g_1 ... g_L of a stack's layers change on the way down, which is the gradient's.

    fall: the smallest g_l / g_m with l <= m, below 1 where a layer has less than one above it: a gradient that vanishes
    on its way, at the bottom or in the middle. rise: the largest such ratio, above 1 where a layer has more than one
    above it: a gradient that explodes. fallen, risen: the layers (l, m), counted from 1, that have these ratios.
    NaN, and the lowest and the highest layer, where no layer has a gradient or one has none that is a number.
    """

    fall: float
    rise: float
    fallen: tuple[int, int]
    risen: tuple[int, int]


def flow(norms: Sequence[float]) -> Flow:
    """Return the `Flow` of the norms of layers 1 to L."""
    g = np.array(norms)
    ends = (1, len(g))
    if not np.isfinite(g).all() or not g.any():
        return Flow(math.nan, math.nan, ends, ends)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Row l, column m; pairs of which both are 0 say nothing.
        ratios = np.where(np.tri(len(g), dtype=bool).T, g[:, None] / g[None, :], np.nan)
    fallen, risen = (np.unravel_index(extreme(ratios), ratios.shape) for extreme in (np.nanargmin, np.nanargmax))
    return Flow(
        float(ratios[fallen]),
        float(ratios[risen]),
        (int(fallen[0]) + 1, int(fallen[1]) + 1),
        (int(risen[0]) + 1, int(risen[1]) + 1),
    )


def gradient_norms(
    model: Model, batch: ProbeBatch, scale: float | None = None, *, autocast: bool = False
) -> dict[str, Gradients]:
    """Return the norms by stack for the mean loss of a batch, without dropout; leaves no gradients behind.

    The gradients are computed in the model's precision, from the summed loss times *scale* (`first_scale`'s).
    """
    training = model.training
    model.eval()
    model.zero_grad(set_to_none=True)
    scale = first_scale(model) if scale is None else scale
    streams = {name: [0.0] * (len(stack.layers) + 1) for name, stack in model.stacks.items()}
    with Hooks() as hooks:
        for name, stack in model.stacks.items():
            _watch(hooks, [*stack.layers], streams[name])
        loss = score(model, batch, autocast=autocast)
    (loss.smoothed * scale).backward()
    found = {name: _of([*stack.layers], streams[name], scale * loss.tokens) for name, stack in model.stacks.items()}
    model.zero_grad(set_to_none=True)
    model.train(training)
    return found


def _watch(hooks: Hooks, layers: list[nn.Module], squares: list[float]) -> None:
    """Let the backward pass add the squared norms of the stream's gradients to *squares*."""

    def listen(place: int, stream: object) -> None:
        def add(gradient: Tensor) -> None:
            squares[place] += gradient.double().square().sum().item()

        for part in tensors_of(stream):
            part.register_hook(add)

    hooks.before(layers[0], lambda module, inputs: listen(0, inputs[0]))
    for place, layer in enumerate(layers, start=1):
        hooks.after(layer, lambda module, inputs, output, place=place: listen(place, output))


def _of(layers: list[nn.Module], stream_squares: list[float], scale: float) -> Gradients:
    squares: dict[str, list[float]] = {}
    for number, layer in enumerate(layers):
        for name, parameter in layer.named_parameters():
            of_module = squares.setdefault(name.rpartition(".")[0], [0.0] * len(layers))
            if parameter.grad is not None:
                of_module[number] += parameter.grad.double().square().sum().item()
    modules = {name: [math.sqrt(x) / scale for x in values] for name, values in squares.items()}
    totals = [math.sqrt(sum(values)) / scale for values in zip(*squares.values(), strict=True)]
    return Gradients(totals, modules, [math.sqrt(x) / scale for x in stream_squares])
