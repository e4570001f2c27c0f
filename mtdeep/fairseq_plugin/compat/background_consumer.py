"""The thread that loads batches ahead is still at it when a training ends, and Python's exit then aborts the process.

So a training that went well had exit code 134, most often a short one: its thread was still filling the buffer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from queue import Queue
from threading import Event
from typing import Any

from mtdeep.background_threads import end_before_exit
from mtdeep.fairseq_plugin.compat.replacement import replacement

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


def ending_before_exit(original: Callable[..., None]) -> Callable[..., None]:
    """Return the constructor of a thread that ends before Python does."""

    @wraps(original)
    def init(self: Any, queue: Queue[Any], source: Iterable[Any], max_len: int | None, cuda_device: int | None) -> None:
        stopped = Event()
        original(self, queue, until(stopped, source), max_len, cuda_device)
        end_before_exit(self, queue, stopped)

    return init


PATCH = replacement(
    name="background_consumer",
    mends="a training that went well is aborted at its end (exit code 134) by the thread that loads batches",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    module=MODULE,
    needed=needed,
    places={"BackgroundConsumer.__init__": ending_before_exit},
)
