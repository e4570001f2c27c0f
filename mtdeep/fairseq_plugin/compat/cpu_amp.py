"""`--amp` does nothing on a CPU but warn, at every step, that it will do nothing.

There the forward pass runs under torch's autocast to bfloat16, which needs no loss scale. Parameters, gradients,
normalisations and the stream between the layers stay in float32; `--bf16` would round them all.
"""

from __future__ import annotations

import sys
import warnings
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.tasks.fairseq_task"


def needed() -> bool:
    """Whether fairseq still asks for autocast on CUDA by name."""
    return "cuda" in sys.modules[MODULE].FairseqTask.train_step.__code__.co_names


def apply() -> None:
    """Hand the task a criterion that runs under autocast on a CPU."""
    import torch

    from mtdeep.precision import AUTOCAST

    module: Any = sys.modules[MODULE]
    original = module.FairseqTask.train_step
    # For fairseq's authors: that these names have moved, and that there is no CUDA.
    warnings.filterwarnings("ignore", message=r"`torch\.cuda\.amp\.\w+\(args\.\.\.\)` is deprecated")
    warnings.filterwarnings("ignore", message=r"torch\.cuda\.amp\.GradScaler is enabled, but CUDA is not available")
    warnings.filterwarnings("ignore", message=r"CUDA is not available .*Disabling autocast")

    @wraps(original)
    def train_step(
        self: Any, sample: Any, model: Any, criterion: Any, optimizer: Any, update_num: int, ignore_grad: bool = False
    ) -> Any:
        def under_autocast(model: Any, sample: Any) -> Any:
            with torch.autocast("cpu", AUTOCAST["cpu"]):
                return criterion(model, sample)

        on_cpu = isinstance(optimizer, module.AMPOptimizer) and next(model.parameters()).device.type == "cpu"
        used = under_autocast if on_cpu else criterion
        return original(self, sample, model, used, optimizer, update_num, ignore_grad)

    module.FairseqTask.train_step = train_step


PATCH = Patch(
    name="cpu_amp",
    mends="--amp does nothing on a CPU, and every training step warns of a deprecated name",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/tasks/fairseq_task.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "FairseqTask", "train_step"),
)
