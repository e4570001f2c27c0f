"""A gradient that is not finite ends a training under `--amp` on a CPU with an AttributeError of its loss scale.

There torch's scaler is switched off, as bfloat16 needs none, and has no factor that fairseq could ask for. What becomes
of the gradient is for the trainer to say.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.optim.amp_optimizer"


def without_a_scale(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what clips a gradient, and asks the scaler about it where that is switched on."""

    @wraps(original)
    def clip_grad_norm(self: Any, max_norm: float, aggregate_norm_fn: Any = None) -> Any:
        if self.scaler.is_enabled():
            return original(self, max_norm, aggregate_norm_fn)
        return self.fp32_optimizer.clip_grad_norm(max_norm, aggregate_norm_fn)

    return clip_grad_norm


PATCH = replacement(
    name="amp_scale_off",
    mends="a gradient that is not finite ends a training under --amp on a CPU with an AttributeError",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/optim/amp_optimizer.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "AMPOptimizer.clip_grad_norm", "next_loss_scale"),
    places={"AMPOptimizer.clip_grad_norm": without_a_scale},
)
