"""Workers outlive the process that started them, where that is killed and SIGINT is ignored.

torch asks for SIGINT when a worker's parent is gone, which is ignored in whatever a script has started in the
background.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"


def end_with_parent() -> None:
    """Let a worker end when the process that started it is gone, however that ended."""
    from torch.multiprocessing import _prctl_pr_set_pdeathsig  # type: ignore[attr-defined]

    parent = multiprocessing.parent_process()
    if parent is not None:
        _prctl_pr_set_pdeathsig(signal.SIGKILL)  # SIGTERM asks for a checkpoint first (`leaving`)
        if os.getppid() != parent.pid:  # it was gone before
            os._exit(128 + signal.SIGKILL)


def ending_with_parent(original: Callable[[Any], int]) -> Callable[[Any], int]:
    """Return what joins the processes together, none of which outlives the one that started them."""

    @wraps(original)
    def distributed_init(cfg: Any) -> int:
        end_with_parent()
        return original(cfg)

    return distributed_init


PATCH = replacement(
    name="worker_ends",
    mends="processes of a training that is killed in the background go on without it",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/distributed/utils.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "distributed_init", "init_process_group"),
    places={"distributed_init": ending_with_parent},
)
