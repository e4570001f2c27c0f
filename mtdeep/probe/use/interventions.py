"""What is changed in a trained model, and back again at the end of the block; from outside, whichever the scheme."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from mtdeep.nn.cache import EncoderOutput, TeacherForcing
from mtdeep.nn.layers import DecoderLayer, EncoderLayer
from mtdeep.nn.residual import Branch, Residual, Stream
from mtdeep.nn.transformer import Stack
from mtdeep.probe.hooks import Hooks, read_by_branches
from mtdeep.probe.use.branches import LAST_MODULE, NAMES, Kind, kinds_of, modules_of

Tell = Callable[[Kind, Tensor, Tensor], None]
"""(kind of branch, what branches read before it joins, and after), both (B, T, D)."""


class _Watched(Residual):
    """A residual that tells what branches read before and after each of its joins."""

    def __init__(self, residual: Residual, tell: Callable[[Tensor, Tensor], None]) -> None:
        self.residual = residual
        self.tell = tell
        self.adds_normalised = residual.adds_normalised

    def __call__(self, x: Stream, branch: Branch, norm: Branch, post_norm: Branch) -> Stream:
        """Join one branch."""
        joined = self.residual(x, branch, norm, post_norm)
        self.tell(read_by_branches(x), read_by_branches(joined))
        return joined


class _Passed(nn.Module):
    """Stands in a layer's place and hands the stream on."""

    def forward(self, stream: Stream, *beside: object) -> Stream:
        """Return the stream."""
        return stream


@contextmanager
def watched(layer: EncoderLayer | DecoderLayer, tell: Tell) -> Iterator[None]:
    """Tell of every branch of a layer what it makes of the stream."""
    own = dict(layer.residuals)
    for kind in kinds_of(layer):
        layer.residuals[NAMES[kind]] = _Watched(own[NAMES[kind]], partial(tell, kind))
    try:
        yield
    finally:
        layer.residuals.update(own)


@contextmanager
def skipped(layer: nn.Module, kind: Kind) -> Iterator[None]:
    """Let a branch give zeros; its residual, and the normalisations there, stay."""
    with Hooks() as hooks:
        last = layer.get_submodule(LAST_MODULE[kind])
        hooks.after(last, lambda module, inputs, output: torch.zeros_like(output))
        yield


@contextmanager
def swapped(layer: nn.Module, other: nn.Module, kind: Kind) -> Iterator[None]:
    """Let two layers have each other's branch of a kind: its matrices and the normalisations that go with it.

    What one of them has and the other has not, or of another class, stays where it is.
    """
    own, others = modules_of(layer, kind), modules_of(other, kind)
    common = [name for name, module in own.items() if type(module) is type(others.get(name))]
    try:
        for name in common:
            setattr(layer, name, others[name])
            setattr(other, name, own[name])
        yield
    finally:
        for name in common:
            setattr(layer, name, own[name])
            setattr(other, name, others[name])


@contextmanager
def taken_out(stack: Stack, layers: Iterable[int]) -> Iterator[None]:
    """Take layers, counted from 1, out of a stack: the stream passes them by."""
    kept = {layer - 1: stack.layers[layer - 1] for layer in layers}
    try:
        for index in kept:
            stack.layers[index] = _Passed()
        yield
    finally:
        for index, module in kept.items():
            stack.layers[index] = module


@contextmanager
def reading(layers: Iterable[nn.Module], encoded: EncoderOutput) -> Iterator[None]:
    """Let the cross-attention of some decoder layers read *encoded*, in place of what the others read."""
    memory = TeacherForcing.of(encoded)
    with Hooks() as hooks:
        for layer in layers:
            hooks.before(layer, lambda module, inputs: (inputs[0], memory, *inputs[2:]))
        yield
