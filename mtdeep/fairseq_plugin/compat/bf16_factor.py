"""An update that is skipped under `--bf16` leaves its factor to the next one, whose gradient is multiplied by both.

Gradients are multiplied late, and `FP16Optimizer.zero_grad` forgets the factor where the loss is scaled alone. After a
gradient that is not finite the factor is not either, and every later update spoils the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.optim.fp16_optimizer"


def forgetting(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return what clears the gradients, and the factor with them."""

    @wraps(original)
    def zero_grad(self: Any) -> None:
        original(self)
        if self.scaler is None:
            self._multiply_factor = 1.0

    return zero_grad


PATCH = replacement(
    name="bf16_factor",
    mends="an update that is skipped under --bf16 multiplies the gradient of the next one",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/optim/fp16_optimizer.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "_FP16OptimizerMixin.zero_grad", "_multiply_factor"),
    places={
        "_FP16OptimizerMixin.zero_grad": forgetting,
        "_MemoryEfficientFP16OptimizerMixin.zero_grad": forgetting,
    },
)
