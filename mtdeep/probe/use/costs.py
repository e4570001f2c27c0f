"""What it costs to skip a branch, and to swap it with its neighbour's; and what skipping it does to later layers.

Costs are in nats per token, the loss with the change minus that without. DepthBench's causal score, there of a whole
layer, is ||u_l (skipped) - u_l|| / ||u_l|| with u_l = z_l - z_(l-1), for a layer l above; both norms are means over the
real tokens. Its permutation score is |L(swapped) - L| / L.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtdeep.probe.hooks import Hooks, read_by_branches
from mtdeep.probe.use.branches import Kind, kinds_of
from mtdeep.probe.use.interventions import skipped, swapped
from mtdeep.probe.use.text import Text

Advance = Callable[[], None]
"""Called when one more is done."""


@dataclass(frozen=True)
class Skip:
    """A branch that gives zeros. effects: its causal score for each measured layer above its own, from below.

    effect: their mean, None for the highest layer.
    """

    layer: int
    kind: Kind
    cost: float
    effects: list[float]
    effect: float | None


@dataclass(frozen=True)
class Swap:
    """A layer and the one above it that have each other's branch of a kind; score: DepthBench's permutation score."""

    layer: int
    kind: Kind
    cost: float
    score: float


def skips(text: Text, stack: str, layers: Sequence[int], advance: Advance = lambda: None) -> list[Skip]:
    """Skip every branch of some layers of a stack, counted from 1, each alone."""
    modules = text.model.stacks[stack].layers
    loss, own = _loss_and_changes(text, stack, layers)
    results = []
    for layer in layers:
        for kind in kinds_of(modules[layer - 1]):
            with skipped(modules[layer - 1], kind):
                skipped_loss, changes = _loss_and_changes(text, stack, layers)
            effects = [_relative(changes[above], own[above]) for above in layers if above > layer]
            mean = sum(effects) / len(effects) if effects else None
            results.append(Skip(layer, kind, skipped_loss - loss, effects, mean))
            advance()
    return results


def swaps(text: Text, stack: str, layers: Sequence[int], advance: Advance = lambda: None) -> list[Swap]:
    """Swap every branch of some layers of a stack, counted from 1, with that of the layer above, each alone."""
    modules = text.model.stacks[stack].layers
    loss = text.loss(stack)
    results = []
    for layer in layers:
        for kind in kinds_of(modules[layer - 1]) if layer < len(modules) else ():
            with swapped(modules[layer - 1], modules[layer], kind):
                cost = text.loss(stack) - loss
            results.append(Swap(layer, kind, cost, abs(cost) / loss))
            advance()
    return results


def _loss_and_changes(text: Text, stack: str, layers: Sequence[int]) -> tuple[float, dict[int, Tensor]]:
    """Return the loss, and u_l of the real tokens, (tokens, D), of some layers."""
    modules, real = text.model.stacks[stack].layers, text.real(stack)
    changes: dict[int, list[Tensor]] = {layer: [] for layer in layers}

    def keep(layer: int, inputs: tuple[object, ...], output: object) -> None:
        mask = real[len(changes[layer])]
        changes[layer].append((read_by_branches(output) - read_by_branches(inputs[0]))[mask])

    with Hooks() as hooks:
        for layer in layers:
            hooks.after(modules[layer - 1], lambda module, inputs, output, layer=layer: keep(layer, inputs, output))
        loss = text.loss(stack)
    return loss, {layer: torch.cat(of_layer) for layer, of_layer in changes.items()}


def _relative(changed: Tensor, own: Tensor) -> float:
    """Return how far the changes (tokens, D) of a layer are from its own, relative to these; 0 where it has none."""
    size = own.norm(dim=1).mean().item()
    return (changed - own).norm(dim=1).mean().item() / size if size else 0.0
