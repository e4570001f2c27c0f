"""Threads that prepare data ahead, and their end before Python's own.

When Python exits, it ends a daemon thread wherever that waits for the interpreter's lock. Inside torch this is in the
middle of C++ code, whose runtime then aborts the process: a training that went well has exit code 134.
"""

from __future__ import annotations

import atexit
import time
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any
from weakref import WeakKeyDictionary

_SECONDS_TO_END = 10.0
"""Waited for all threads together: whoever reads from a disk that hangs must not keep the process."""
_threads: WeakKeyDictionary[Thread, tuple[Queue[Any], Event]] = WeakKeyDictionary()


def end_before_exit(thread: Thread, queue: Queue[Any], stopped: Event) -> None:
    """Let *thread* end before Python does: *stopped* is set, and what it puts into *queue* from then on is dropped."""
    if not _threads:
        atexit.unregister(_end_all)
        atexit.register(_end_all)  # now, to come before what others have registered: what a source needs is still there
    _threads[thread] = (queue, stopped)


def _end_all() -> None:
    deadline = time.monotonic() + _SECONDS_TO_END
    threads = list(_threads.items())
    for _, (_, stopped) in threads:
        stopped.set()
    for thread, (queue, _) in threads:
        while thread.is_alive() and time.monotonic() < deadline:
            drain(queue)
            thread.join(0.01)


def drain(queue: Queue[Any]) -> None:
    """Drop what is in a queue, so that a thread that waits for room goes on."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
