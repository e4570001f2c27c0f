"""Threads that prepare data ahead end before Python does."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from queue import Queue
from threading import Event, Thread

import pytest

from mtdeep import background_threads

FILLS = """
import sys
from itertools import count
from queue import Queue
from threading import Event, Thread
from mtdeep.background_threads import end_before_exit

queue, stopped = Queue({size}), Event()

def fill():
    for number in count():
        queue.put(number)
        if stopped.is_set():
            print("ended", flush=True)
            return

thread = Thread(target=fill, daemon=True)
end_before_exit(thread, queue, stopped)
thread.start()
queue.get()
{end}
"""


@pytest.mark.parametrize("size", [1, 0], ids=["waiting for room", "always busy"])
@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise RuntimeError"], ids=["at the end", "exit", "exception"])
def test_the_thread_ends_first(size: int, end: str) -> None:
    code = FILLS.format(size=size, end=end)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "ended\n"
    assert done.returncode == {"": 0, "sys.exit(3)": 3}.get(end, 1)


def test_a_thread_that_hangs_does_not_keep_the_process(monkeypatch) -> None:
    monkeypatch.setattr(background_threads, "_SECONDS_TO_END", 0.1)
    release, queue = Event(), Queue[int]()
    thread = Thread(target=release.wait, daemon=True)
    background_threads.end_before_exit(thread, queue, Event())
    thread.start()
    background_threads._end_all()
    assert thread.is_alive()
    release.set()
    thread.join()


def test_threads_that_have_ended_are_forgotten() -> None:
    thread = Thread(target=int)
    background_threads.end_before_exit(thread, Queue[int](), Event())
    thread.start()
    thread.join()
    gone = weakref.ref(thread)
    del thread
    gc.collect()
    assert gone() is None
