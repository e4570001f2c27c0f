"""Processes of this machine that work for this one, and end when it does, however it ends.

Those of `concurrent.futures` wait for more work for ever when who gave it is killed: each of them holds both ends of
the queue that it reads, so that it never sees its end.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread


def processes(count: int) -> ProcessPoolExecutor:
    """Return an executor of *count* new processes.

    They are started afresh: forked ones would inherit the threads' locks of whatever library is loaded here.
    """
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_the_parent)


def _end_with_the_parent() -> None:
    Thread(target=_wait_for_its_end, daemon=True).start()


def _wait_for_its_end() -> None:
    parent = parent_process()
    assert parent is not None, "this process was started by another"
    parent.join()
    os._exit(1)
