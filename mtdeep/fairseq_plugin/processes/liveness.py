"""Whether the processes of a training live: where one is lost, the others end within a minute and say which.

Without this they would wait in the next sum for as long as a collective may take, and NCCL's would not say for whom.
Each process counts up in what all share, and watches the one before it; what it finds, all read. This is apart from
the collectives, which have to outlast whatever one process does while the others wait.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from torch.distributed import DistError, Store
from torch.multiprocessing import ProcessExitedException

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.going_on import going_on
from mtdeep.fairseq_plugin.leaving import asked
from mtdeep.fairseq_plugin.processes.meeting import Meeting, own_meeting

LOST = 75
"""Exit code: a process was lost, and the same command may go well (EX_TEMPFAIL of sysexits.h)."""
INTERVAL = 4.0
"""Seconds between two beats."""
SILENCE = 40.0
"""Seconds without a beat after which a process is lost."""
GRACE = 10.0
"""Seconds in which the others may end by themselves."""
SAVING = 600.0
"""Seconds for which a process that is saving may finish that."""
OF_OTHERS = re.compile(r"gloo|NCCL|Connection closed by peer|Connection reset by peer|Broken pipe")
"""What a collective says when another process is gone."""
saving = threading.RLock()
"""Held while a checkpoint is written: no verdict ends this process then."""


@dataclass(frozen=True)
class Verdict:
    """Why a training of several processes ends."""

    why: str
    code: int
    """The exit code of those who hear of it."""


class Heart:
    """Beats for this process, and watches the one before it.

    on_verdict: called, in a thread, when the training cannot go on.
    """

    def __init__(
        self,
        meeting: Meeting,
        on_verdict: Callable[[Verdict], None],
        *,
        interval: float = INTERVAL,
        silence: float = SILENCE,
    ) -> None:
        self._meeting = meeting
        self._on_verdict = on_verdict
        self._interval, self._silence = interval, silence
        self._watched = (meeting.rank - 1) % meeting.processes
        self._names = {rank: meeting.name(rank) for rank in (0, self._watched, meeting.rank)}
        self._answered = time.monotonic()
        self._over, self._found = threading.Event(), threading.Event()
        self._verdict: Verdict | None = None

    def start(self) -> None:
        """Begin to beat, and to watch."""
        for task in (self._beat, self._watch):
            threading.Thread(target=task, daemon=True).start()

    def end(self, why: str | None, code: int = LOST) -> None:
        """Beat no more; *why*: what the others have to end for, None: nothing."""
        self._over.set()
        store, rank = self._meeting.store, self._meeting.rank
        with suppress(DistError):  # whoever kept it is gone, and with it those who would read this
            if why is not None and not store.check(["verdict"]):
                _pass(store, Verdict(f"{self._names[rank]} ended: {why}", code))
            store.set(f"knows/{rank}", "")
            if why is not None and rank == 0 and multiprocessing.parent_process() is None:
                self._wait_until_all_know()

    @property
    def is_over(self) -> bool:
        """Whether this process ends by itself."""
        return self._over.is_set()

    def verdict(self, seconds: float) -> Verdict | None:
        """Wait at most so long for what is found; None: nothing, or this process is asked to leave."""
        deadline = time.monotonic() + seconds
        while not self._found.wait(0.1) and time.monotonic() < deadline and not any(asked()):
            pass
        return self._verdict

    def _wait_until_all_know(self) -> None:
        """Keep a little longer what all share."""
        deadline = time.monotonic() + 2 * self._interval
        everyone = [f"knows/{rank}" for rank in range(self._meeting.processes)]
        while not all(self._meeting.store.check([key]) for key in everyone) and time.monotonic() < deadline:
            time.sleep(0.1)

    def _beat(self) -> None:
        """Count up, look whether the watched process has, and read what any process has found."""
        store = None
        seen, count, moved = "", 0, time.monotonic()
        mine, watched, over = f"beat/{self._meeting.rank}", f"beat/{self._watched}", f"knows/{self._watched}"
        while not self._over.wait(self._interval if count else 0):
            count += 1
            try:
                # A connection of its own: what the main thread asks must not hold up the beats.
                store = store or self._meeting.again()
                store.set(mine, str(count))
                if store.check(["verdict"]):
                    verdict = Verdict(*json.loads(store.get("verdict")))
                    store.set(f"knows/{self._meeting.rank}", "")
                    self._find(verdict)
                    return
                beat = store.get(watched).decode() if store.check([watched]) else ""
                may_be_silent = not beat or store.check([over])
            except DistError:
                self._find(Verdict(f"{self._names[0]} is gone; where it was not killed, its output says why", LOST))
                return
            before, self._answered = self._answered, time.monotonic()
            stood_still = self._answered - before > 2 * self._interval  # this process did: what it knows is old
            if beat != seen or may_be_silent or stood_still:
                seen, moved = beat, self._answered
            elif self._answered - moved > self._silence:
                _pass(store, Verdict(self._lost(self._watched), LOST))

    def _watch(self) -> None:
        """Look whether what all share still answers; a call to it may not come back."""
        last = time.monotonic()
        while not self._over.wait(self._interval / 4):
            before, last = last, time.monotonic()
            if last - before > self._interval:
                self._answered = last  # this process stood still
            elif not self._found.is_set() and last - self._answered > self._silence:
                self._find(Verdict(self._lost(0), LOST))
                return

    def _find(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._found.set()
        self._on_verdict(verdict)

    def _lost(self, rank: int) -> str:
        return (
            f"{self._names[rank]} has not been heard of for {self._silence:.0f} s: it was killed or stopped, or its "
            "machine cannot be reached"
        )


def _pass(store: Store, verdict: Verdict) -> None:
    """Let all processes know."""
    store.set("verdict", json.dumps([verdict.why, verdict.code]))


@contextmanager
def living_together(options: Any) -> Iterator[None]:
    """End this process in the block when another one of its training is lost, and tell the others how it ends itself.

    options: those of checkpoints, for what the same command goes on from.
    """
    meeting = own_meeting()
    if meeting is None or meeting.processes == 1:
        yield
        return

    def say(verdict: Verdict) -> None:
        if _says_first(meeting):
            print(f"error: {verdict.why}; {going_on(options)}", file=sys.__stderr__ or sys.stderr, flush=True)

    def end_all(verdict: Verdict) -> None:
        time.sleep(GRACE)  # for the main thread to end by what it meets itself
        is_saved = saving.acquire(timeout=SAVING)
        if not heart.is_over:
            say(verdict)
            os._exit(verdict.code)
        if is_saved:
            saving.release()

    heart = Heart(meeting, end_all)
    heart.start()
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, DistError) or OF_OTHERS.search(str(error))):
            heart.end(_described(error))
            raise
        verdict = heart.verdict(SILENCE + 3 * INTERVAL)
        heart.end(None)
        if verdict is None:
            raise
        say(verdict)
        raise SystemExit(verdict.code) from None
    except UserError as error:
        heart.end(str(error), 2)
        raise
    except SystemExit:  # all processes end so together
        heart.end(None)
        raise
    except BaseException as error:
        heart.end(_described(error))
        raise
    heart.end(None)


@contextmanager
def ended_by_a_lost_process(options: Any) -> Iterator[None]:
    """End as the processes do that this one starts in the block, where one of them was killed or has lost another.

    options: those of checkpoints. Raises SystemExit with the code LOST.
    """
    try:
        yield
    except ProcessExitedException as ended:
        if ended.exit_code == -signal.SIGKILL:
            print(
                f"error: process {ended.error_index} on this machine was killed (SIGKILL; often for want of memory); "
                f"{going_on(options)}",
                file=sys.stderr,
            )
        if ended.exit_code in (LOST, -signal.SIGKILL):
            raise SystemExit(LOST) from None
        raise


def _described(error: BaseException) -> str:
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


def _says_first(meeting: Meeting) -> bool:
    try:
        return meeting.says_first()
    except DistError:  # with the first process what all share is gone
        return True
