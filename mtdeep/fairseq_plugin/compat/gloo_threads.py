"""A process that ends just after it has heard of the others is aborted (exit code 134, or -6 under torchrun).

gloo's threads let go of the tensors of a collective a moment after whoever waited for it goes on, and need the lock of
Python for that. A thread that asks for it while Python exits is ended there, amid C++ that allows no such end.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"
SECONDS = 0.5
"""In which threads get the lock before Python exits. They need less than a thousandth of it where a core is free.

gloo has no call that waits for them: `destroy_process_group` leaves its threads to whoever still holds the group.
"""


def waiting_at_exit(original: Callable[..., int]) -> Callable[..., int]:
    """Return what joins the processes of a training, and has this one wait before it exits."""

    @wraps(original)
    def distributed_init(cfg: Any) -> int:
        rank = original(cfg)
        groups = sys.modules["torch"].distributed
        atexit.unregister(leave_time)
        if groups.is_initialized() and groups.get_backend() == "gloo":
            atexit.register(leave_time)
        return rank

    return distributed_init


def leave_time() -> None:
    """Let other threads have Python's lock for a moment."""
    time.sleep(SECONDS)


PATCH = replacement(
    name="gloo_threads",
    mends="processes of torchrun that end just after they have heard of one another are aborted on a CPU",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/distributed/utils.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "distributed_init", "init_process_group"),
    places={"distributed_init": waiting_at_exit},
)
