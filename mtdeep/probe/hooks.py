"""Hooks that are taken away at the end, and what flows between layers, whichever the scheme.

The stream between layers may be a tuple (ResiDual: what branches read, and the sum beside it).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Hooks:
    """Hooks on modules; use as a context manager, at the end of which they are gone."""

    def __init__(self) -> None:
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> Hooks:
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()

    def before(self, module: nn.Module, hook: Callable[..., object]) -> None:
        """Call hook(module, inputs) before each forward pass of the module; inputs that it returns replace them."""
        self._handles.append(module.register_forward_pre_hook(hook))

    def after(self, module: nn.Module, hook: Callable[..., object]) -> None:
        """Call hook(module, inputs, output) after each forward pass; an output that it returns replaces it."""
        self._handles.append(module.register_forward_hook(hook))


def tensors_of(stream: object) -> tuple[Tensor, ...]:
    """Return the tensors (B, T, D) of a stream: one, or ResiDual's two."""
    found = stream if isinstance(stream, tuple) else (stream,)
    assert all(isinstance(part, Tensor) for part in found)
    return found


def read_by_branches(stream: object) -> Tensor:
    """Return the tensor (B, T, D) of a stream that the branches read."""
    return tensors_of(stream)[0]
