"""From small steps to large ones: each layer, and each sentence, adds the same amount."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from mtdeep.nn import Config
from mtdeep.planning.rehearsal import Trace

_FEW = 2  # layers: a first and a last


def at_full_depth(config: Config, trace: Callable[[Config], Trace]) -> Trace:
    """Return the trace of config, from traces of models with two or three layers a stack.

    At any time of a step, another layer adds its activations if the forward pass has come by it and the backward pass
    has not, its gradients if the backward pass has, and its state. So each peak is affine in the number of layers; and
    from an inner layer to the next it moves by a constant, so that no inner layer has more than both the first and the
    last. Keel's first layer is smaller than the others: there the second may have a little more (docs/planning.md).
    """
    shallow = {name: min(getattr(config, name), _FEW) for name in ("encoder_layers", "decoder_layers")}
    base = trace(replace(config, **shallow))
    result = base
    for name, layers in shallow.items():
        missing = getattr(config, name) - layers
        if missing:
            deeper = trace(replace(config, **{**shallow, name: layers + 1}))
            result = added(result, base, deeper, missing)
    return result


def added(trace: Trace, base: Trace, more: Trace, times: float) -> Trace:
    """Return trace + times (more - base), field by field, for the stages that all have."""
    values = {f.name: (getattr(trace, f.name), getattr(base, f.name), getattr(more, f.name)) for f in fields(Trace)}
    return Trace(**{name: _added(at, low, high, times) for name, (at, low, high) in values.items()})


def _added(at: Any, base: Any, more: Any, times: float) -> Any:
    if isinstance(at, Mapping):
        return {key: _added(value, base[key], more[key], times) for key, value in at.items()}
    return round(at + times * (more - base))
