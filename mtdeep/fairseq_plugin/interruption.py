"""What Ctrl-C does to a training: its processes end, and it says what the same command goes on from.

The sentence is the interrupt's own text, which `importing.end_on_interrupt` prints.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mtdeep.fairseq_plugin.going_on import going_on

GRACE = 5.0  # seconds in which a process, which Ctrl-C has reached too, removes what it was writing


@contextmanager
def interrupted_training(cfg: Any) -> Iterator[None]:
    """Raise KeyboardInterrupt with what the training goes on from, once the processes that it has started are gone."""
    try:
        yield
    except KeyboardInterrupt:
        end_workers()
        if cfg.distributed_training.distributed_rank:  # of a launcher's processes the first says it
            raise
        raise KeyboardInterrupt(going_on(cfg.checkpoint)) from None


def end_workers() -> None:
    """End the processes that this one has started, which would otherwise be waited for."""
    deadline = time.monotonic() + GRACE
    workers = multiprocessing.active_children()
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    for worker in workers:
        worker.kill()  # SIGTERM would have it save (`leaving`)
        worker.join(GRACE)
