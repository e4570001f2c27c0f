"""torchrun tells a process its GPU in `LOCAL_RANK`, which fairseq never reads: every process lands on GPU 0."""

from __future__ import annotations

import os
import sys
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.distributed.utils"


def needed() -> bool:
    """Whether the function for launched processes still ignores `LOCAL_RANK`."""
    return "LOCAL_RANK" not in sys.modules[MODULE]._infer_torch_distributed_launch_init.__code__.co_consts


def apply() -> None:
    """Take the device from `LOCAL_RANK` where a launcher set it."""
    module: Any = sys.modules[MODULE]
    original = module._infer_torch_distributed_launch_init

    @wraps(original)
    def infer_launch(cfg: Any) -> None:
        original(cfg)
        if "LOCAL_RANK" in os.environ:
            cfg.device_id = int(os.environ["LOCAL_RANK"])

    module._infer_torch_distributed_launch_init = infer_launch


PATCH = Patch(
    name="torchrun_local_rank",
    mends="under torchrun every process uses GPU 0",
    ticket="facebookresearch/fairseq#3318",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "_infer_torch_distributed_launch_init"),
)
