"""How far the branches turn and move the states: angular distance, and each branch's share of its layer's change.

z_l is what branches read behind layer l, z_0 the embeddings. The angular distance of two states is arccos(cos) / pi,
mean over the real tokens (DepthBench's definition): 0 of states with one direction, 1/2 of orthogonal ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from mtdeep.probe.hooks import read_by_branches
from mtdeep.probe.use.branches import Kind, kinds_of, layers_of
from mtdeep.probe.use.interventions import watched
from mtdeep.probe.use.text import Text, streams


@dataclass(frozen=True)
class BranchStates:
    """What a branch does to the states: the angular distance of those before it joins and after.

    share: mean norm over the tokens of the change that it makes, by the sum of these of all branches of the layer.
    Changes add up to z_l - z_{l-1}, with the residual's factors and normalisations in them.
    """

    layer: int
    kind: Kind
    distance: float
    share: float


@dataclass(frozen=True)
class Distances:
    """Angular distances between the states at some depths, a row and a column for each."""

    depths: list[int]
    matrix: list[list[float]]


@dataclass
class _Sums:
    """Of a branch, over all tokens: of angular distances, and of norms of what it changes."""

    distance: float = 0.0
    change: float = 0.0


def angular_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return arccos(cos(a, b)) / pi of states (..., D), in float64: in float32 equal states would be 1e-4 apart."""
    cosine = torch.cosine_similarity(a.double(), b.double(), dim=-1)
    return torch.arccos(cosine.clamp(-1, 1)) / math.pi


def branch_states(text: Text, stack: str, layers: Sequence[int]) -> list[BranchStates]:
    """Measure the branches of some layers of a stack, counted from 1."""
    modules, real = layers_of(text.model.stacks[stack]), text.real(stack)
    sums = {(layer, kind): _Sums() for layer in layers for kind in kinds_of(modules[layer - 1])}

    def add(layer: int, mask: Tensor, kind: Kind, before: Tensor, after: Tensor) -> None:
        before, after = before[mask].double(), after[mask].double()
        sums[layer, kind].distance += float(angular_distance(before, after).sum())
        sums[layer, kind].change += float((after - before).norm(dim=-1).sum())

    for number, mask in enumerate(real):
        with ExitStack() as watches:
            for layer in layers:
                watches.enter_context(watched(modules[layer - 1], partial(add, layer, mask)))
            text.features(number, stack)
    tokens = sum(int(mask.sum()) for mask in real)
    whole = {layer: sum(added.change for (of, _), added in sums.items() if of == layer) for layer in layers}
    return [
        BranchStates(layer, kind, added.distance / tokens, added.change / whole[layer] if whole[layer] else 0.0)
        for (layer, kind), added in sums.items()
    ]


def distances(text: Text, stack: str, layers: Sequence[int]) -> Distances:
    """Measure the angular distances between the embeddings and the states behind some layers, of each pair."""
    real = text.real(stack)
    total = torch.zeros(len(layers) + 1, len(layers) + 1, dtype=torch.float64)
    for number, mask in enumerate(real):
        states = [stream[mask] for stream in map(read_by_branches, streams(text, number, stack, layers))]
        total += torch.stack([torch.stack([angular_distance(a, b).sum() for b in states]) for a in states])
    return Distances([0, *layers], (total / sum(int(mask.sum()) for mask in real)).tolist())
