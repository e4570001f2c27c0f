"""Which layer makes numbers that are not finite, or the largest gradient: where to look when an update is spoilt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

LAYER = re.compile(r".*?\blayers\.\d+")


def faulty_layer(model: nn.Module, forward: Callable[[], object]) -> str:
    """Return the name of a layer of *model*, and what is the matter with it.

    The first whose output is not finite in *forward*; else, by the gradients that are there, the last with one that is
    not finite, from which it came to those before; else the one with the largest.
    """
    name = _first_not_finite(model, forward)
    if name is not None:
        return f"{name}, the first whose output is not finite"
    norms: dict[str, float] = {}
    for of_parameter, parameter in model.named_parameters():
        if parameter.grad is not None:
            layer = _layer(of_parameter.rpartition(".")[0])
            norms[layer] = max(norms.get(layer, 0.0), _norm(parameter.grad))
    bad = [name for name, norm in norms.items() if norm == torch.inf]
    if bad:
        in_layers = [name for name in bad if LAYER.fullmatch(name)]  # a table's gradient comes from both of its ends
        return f"{(in_layers or bad)[-1]}, the last whose gradient is not finite"
    if not norms:
        return "no layer has a gradient"
    return f"{max(norms, key=norms.__getitem__)}, whose gradient is the largest"


def _first_not_finite(model: nn.Module, forward: Callable[[], object]) -> str | None:
    bad: list[str] = []

    def hook(name: str) -> Callable[[nn.Module, object, object], None]:
        def look(module: nn.Module, inputs: object, output: object) -> None:
            if not bad and not all(torch.isfinite(tensor).all() for tensor in _tensors(output)):
                bad.append(name)

        return look

    leaves = [(name, module) for name, module in model.named_modules() if not any(module.children())]
    hooks = [module.register_forward_hook(hook(name)) for name, module in leaves]
    try:
        with torch.random.fork_rng(), torch.no_grad():
            forward()
    finally:
        for handle in hooks:
            handle.remove()
    return _layer(bad[0]) if bad else None


def _layer(name: str) -> str:
    """Return the layer that a module belongs to, or the module where it is outside of layers."""
    layer = LAYER.match(name)
    return layer[0] if layer else name


def _norm(gradient: Tensor) -> float:
    norm = gradient.float().norm()
    return norm.item() if torch.isfinite(norm) else torch.inf


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of real numbers in what a module returns; masks may hold infinities, and are no outputs."""
    if isinstance(value, Tensor) and value.is_floating_point():
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _tensors(entry)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
