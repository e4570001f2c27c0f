"""torchrun tells a process its GPU in `LOCAL_RANK`, which fairseq never reads: every process lands on GPU 0."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"


def needed() -> bool:
    """Whether the function for launched processes still ignores `LOCAL_RANK`."""
    return not uses(MODULE, "_infer_torch_distributed_launch_init", "LOCAL_RANK")


def with_local_rank(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return that function, which takes the device from `LOCAL_RANK` where a launcher set it."""

    @wraps(original)
    def infer_launch(cfg: Any) -> None:
        original(cfg)
        if "LOCAL_RANK" in os.environ:
            cfg.device_id = int(os.environ["LOCAL_RANK"])

    return infer_launch


PATCH = replacement(
    name="torchrun_local_rank",
    mends="under torchrun every process uses GPU 0",
    ticket="facebookresearch/fairseq#3318",
    module=MODULE,
    needed=needed,
    places={"_infer_torch_distributed_launch_init": with_local_rank},
)
