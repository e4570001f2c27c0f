"""SIGTERM, and SIGUSR1 before a job's time is over: a training saves after the update at hand, and ends.

A cluster asks a job to go with SIGTERM, and some time before with what `sbatch --signal=USR1@120` names. The exit code
is 128 and the signal's number. A signal reaches one process of a training or several: all of them leave after the same
update, as they hear of it in what they sum at each. Its data workers may be reached too, and must not go before it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any

from torch.multiprocessing import ProcessExitedException

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
_asked: list[int] = []
"""The signals that this process has had since its training began."""


class Leaving(SystemExit):
    """The end of a process that leaves together with all others of its training."""


def asked() -> list[bool]:
    """Return, for each of SIGNALS, whether this process has had it."""
    return [number in _asked for number in SIGNALS]


def run_heeding(main: Callable[..., None], cfg: Any, **options: Any) -> None:
    """Run a training, which ends where it may when it is asked to."""
    _asked.clear()
    with _handled(lambda number, _: _asked.append(number)):
        main(cfg, **options)


@contextmanager
def handed_on() -> Iterator[None]:
    """Hand SIGTERM and SIGUSR1 on to the processes that this one starts in the block, and end as they do.

    Raises SystemExit with 128 and the signal's number once they are gone.
    """
    had: list[int] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        had.append(number)
        workers = multiprocessing.active_children()
        for worker in workers:
            if worker.pid is not None:
                os.kill(worker.pid, number)
        if not workers:  # nothing has begun that would have to be saved
            raise SystemExit(128 + number)

    with deaf_children():
        pass  # Python's tracker of what processes share is there, and stays while they need it
    with _handled(hand_on):
        try:
            yield
        except ProcessExitedException as ended:
            for number in SIGNALS:  # which may have reached them alone, and before they heed them
                if ended.exit_code in (128 + number, -number):
                    raise SystemExit(128 + number) from None
            if had:
                raise SystemExit(128 + had[0]) from None
            raise


def leave(number: int, goes_on: str) -> None:
    """End this process; the first of a training says what the same command goes on from."""
    if goes_on:
        print(f"stopped by {signal.Signals(number).name}; {goes_on}", file=sys.__stderr__ or sys.stderr, flush=True)
    raise Leaving(128 + number)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Let no thread of the processes that are started in the block have SIGNALS, from the first on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        resource_tracker.ensure_running()  # a process of Python's own, whose start lets SIGTERM through
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def heed_parent_alone() -> None:
    """Let SIGNALS end this process, a data worker of `deaf_children`, where its parent sends them, and nobody else."""
    parent = os.getppid()

    def wait() -> None:
        while signal.sigwaitinfo(SIGNALS).si_pid != parent:
            pass
        os._exit(0)  # as torch's own handler does

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let *handler* handle SIGNALS, but those that are ignored; Python handles signals in its main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
