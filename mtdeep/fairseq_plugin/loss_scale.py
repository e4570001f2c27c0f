"""How far a dynamic loss scale has come, which a training that goes on needs to grow and shrink it when it would have.

fairseq's checkpoints hold the scale of ``--fp16`` without its counters, and of ``--amp`` nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairseq.optim import AMPOptimizer, FP16Optimizer, MemoryEfficientFP16Optimizer

KEY = "loss_scale"
COUNTERS = ("_iter", "_last_overflow_iter", "_last_rescale_iter", "_overflows_since_rescale")
"""Of fairseq's `DynamicLossScaler`."""
PROGRESS = ("scale", "_growth_tracker")
"""Of torch's `GradScaler`, whose other entries are the options of the training at hand."""


def loss_scale(optimizer: object) -> dict[str, float]:
    """Return what a checkpoint has to hold; nothing where the loss is not scaled."""
    if isinstance(optimizer, AMPOptimizer):
        state: dict[str, float] = optimizer.scaler.state_dict()  # empty on a CPU, where fairseq's is switched off
        return {name: state[name] for name in PROGRESS if name in state}
    if isinstance(optimizer, FP16Optimizer | MemoryEfficientFP16Optimizer) and optimizer.scaler is not None:
        return {name: getattr(optimizer.scaler, name) for name in COUNTERS}
    return {}


def is_scaled(optimizer: object) -> bool:
    """Whether the loss is multiplied by a scale that is lowered where gradients are not finite."""
    return bool(loss_scale(optimizer))


def skipped(optimizer: object) -> None:
    """Tell torch's scaler of an update that is not made, after its gradient was looked at."""
    if isinstance(optimizer, AMPOptimizer):
        optimizer.scaler.update()


def restore(optimizer: Any, extra_state: Mapping[str, Any] | None, *, anew: bool) -> None:
    """Go on from what a checkpoint holds, unless the optimizer is to start *anew* or its scale is of another kind."""
    kept = {} if extra_state is None or anew else extra_state.get(KEY, {})
    if not kept or kept.keys() != loss_scale(optimizer).keys():
        return
    if isinstance(optimizer, AMPOptimizer):
        optimizer.scaler.load_state_dict({**optimizer.scaler.state_dict(), **kept})
        return
    for name, value in kept.items():
        setattr(optimizer.scaler, name, value)
