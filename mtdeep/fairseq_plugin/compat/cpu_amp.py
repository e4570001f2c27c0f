"""`--amp` does nothing on a CPU but warn, at every step, that it will do nothing.

There the forward pass runs under torch's autocast to bfloat16, which needs no loss scale. Parameters, gradients,
normalisations and the stream between the layers stay in float32; `--bf16` would round them all.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.tasks.fairseq_task"


def under_autocast(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a training step whose criterion runs under autocast on a CPU."""
    import torch

    from mtdeep.precision import AUTOCAST

    module: Any = sys.modules[MODULE]
    # For fairseq's authors: that these names have moved, and that there is no CUDA.
    warnings.filterwarnings("ignore", message=r"`torch\.cuda\.amp\.\w+\(args\.\.\.\)` is deprecated")
    warnings.filterwarnings("ignore", message=r"torch\.cuda\.amp\.GradScaler is enabled, but CUDA is not available")
    warnings.filterwarnings("ignore", message=r"CUDA is not available .*Disabling autocast")

    @wraps(original)
    def train_step(
        self: Any, sample: Any, model: Any, criterion: Any, optimizer: Any, update_num: int, ignore_grad: bool = False
    ) -> Any:
        def autocast_criterion(model: Any, sample: Any) -> Any:
            with torch.autocast("cpu", AUTOCAST["cpu"]):
                return criterion(model, sample)

        on_cpu = isinstance(optimizer, module.AMPOptimizer) and next(model.parameters()).device.type == "cpu"
        used = autocast_criterion if on_cpu else criterion
        return original(self, sample, model, used, optimizer, update_num, ignore_grad)

    return train_step


PATCH = replacement(
    name="cpu_amp",
    mends="--amp does nothing on a CPU, and every training step warns of a deprecated name",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/tasks/fairseq_task.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "FairseqTask.train_step", "cuda"),
    places={"FairseqTask.train_step": under_autocast},
)
