"""The thread that loads batches ahead is still at it when a training ends, and Python's exit then aborts the process.

So a training that went well had exit code 134, most often a short one: its thread was still filling the buffer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial, wraps
from queue import Queue
from threading import Event
from typing import Any

from mtdeep.background_threads import end_before_exit
from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.data.iterators"


def until(stopped: Event, source: Iterable[Any]) -> Iterator[Any]:
    """Yield the items of *source* until *stopped* is set."""
    for item in source:
        if stopped.is_set():
            return
        yield item


def needed() -> bool:
    """Return whether fairseq's buffer is still filled by a thread that nobody ends."""
    return hasattr(sys.modules[MODULE], "BackgroundConsumer")


def apply() -> None:
    """Let the thread end before Python does."""
    consumer: Any = sys.modules[MODULE].BackgroundConsumer
    original = consumer.__init__

    @wraps(original)
    def init(self: Any, queue: Queue[Any], source: Iterable[Any], max_len: int | None, cuda_device: int | None) -> None:
        stopped = Event()
        original(self, queue, until(stopped, source), max_len, cuda_device)
        end_before_exit(self, queue, stopped)

    consumer.__init__ = init


PATCH = Patch(
    name="background_consumer",
    mends="a training that went well is aborted at its end (exit code 134) by the thread that loads batches",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "BackgroundConsumer", "__init__"),
)
