"""Whether the processes of a command live: where one is lost, the others end within a minute and say which.

Without this they would wait in the next sum for as long as a collective may take, and NCCL's would not say for whom.
Each process counts up in what all share, and watches the one before it; what it finds, all read. This is apart from
the collectives, which have to outlast whatever one process does while the others wait.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from torch.distributed import DistError, Store
from torch.multiprocessing import ProcessExitedException

from mtdeep.errors import PassingTrouble, UserError
from mtdeep.fairseq_plugin.leaving import Leaving, asked
from mtdeep.fairseq_plugin.processes.meeting import Meeting, says_first

LOST = PassingTrouble.exit_code
"""Exit code: a process was lost, and the same command may go well."""
INTERVAL = 4.0
"""Seconds between two beats."""
SILENCE = 35.0
"""Seconds without a beat after which a process is lost."""
GRACE = 8.0
"""Seconds in which the others may end by themselves."""
LAST_WORDS = 3.0
"""Seconds that a process takes at its end to say or to hear anything, which might hold it up for ever."""
SAVING = 600.0
"""Seconds for which a process that is saving may finish that."""
OF_OTHERS = re.compile(r"gloo|NCCL|Connection closed by peer|Connection reset by peer|Broken pipe")
"""What a collective says when another process is gone."""
AGREED = (None, 0, UserError.exit_code, LOST)
"""Codes of a SystemExit to which all processes come together."""
T = TypeVar("T")
saving = threading.RLock()
"""Held while a checkpoint is written: no verdict ends this process then."""


@dataclass(frozen=True)
class Verdict:
    """Why a command of several processes ends."""

    why: str
    code: int
    """The exit code of those who hear of it."""


class Heart:
    """Beats for this process, and watches the one before it.

    on_verdict: called, in a thread, when the command cannot go on.
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
        if not within_last_words(lambda: self._tell(why, code), otherwise=False):
            return  # whoever kept what all share is gone, and with it those who would read this
        if self._meeting.rank == 0 and (why is not None or self._verdict is not None):
            within_last_words(self._wait_until_all_know, otherwise=None, seconds=3 * self._interval)

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

    def _tell(self, why: str | None, code: int) -> bool:
        store, rank = self._meeting.again(), self._meeting.rank
        if why is not None and not store.check(["verdict"]):
            _pass(store, Verdict(f"{self._names[rank]} ended: {why}", code))
        store.set(f"over/{rank}", "")
        store.set(f"knows/{rank}", "")
        return True

    def _wait_until_all_know(self) -> None:
        """Keep a little longer what all share; whoever is lost never will know."""
        store, deadline = self._meeting.again(), time.monotonic() + 2 * self._interval
        everyone = [f"knows/{rank}" for rank in range(self._meeting.processes)]
        while not all(store.check([key]) for key in everyone) and time.monotonic() < deadline:
            time.sleep(0.1)

    def _beat(self) -> None:
        """Count up, look whether the watched process has, and read what any process has found."""
        store, count = None, 0
        seen, moved, last = "", time.monotonic(), time.monotonic()
        mine, watched, over = f"beat/{self._meeting.rank}", f"beat/{self._watched}", f"over/{self._watched}"
        while not self._over.wait(self._interval if count else 0):
            count += 1
            try:
                # A connection of its own: what the main thread asks must not hold up the beats.
                store = store or self._meeting.again()
                store.set(mine, str(count))
                if store.check(["verdict"]):
                    self._read_verdict(store)
                    return
                beat = store.get(watched).decode() if store.check([watched]) else ""
                is_over = store.check([over])
            except DistError:
                self._find(Verdict(f"{self._names[0]} is gone; where it was not killed, its output says why", LOST))
                return
            before, last = last, time.monotonic()
            self._answered = last
            stood_still = last - before > 2 * self._interval  # this process did: what it knows is old
            if beat != seen or is_over or stood_still:
                seen, moved = beat, last
            elif last - moved > self._silence:
                with suppress(DistError):
                    _pass(store, Verdict(self._lost(self._watched), LOST))
                    self._read_verdict(store)
                    return

    def _read_verdict(self, store: Store) -> None:
        verdict = Verdict(*json.loads(store.get("verdict")))
        store.set(f"knows/{self._meeting.rank}", "")
        self._find(verdict)

    def _watch(self) -> None:
        """Look whether what all share still answers; a call to it may not come back."""
        last = excused = time.monotonic()
        while not self._over.wait(self._interval / 4):
            before, last = last, time.monotonic()
            if last - before > self._interval:
                excused = last  # this process stood still
            elif not self._found.is_set() and last - max(self._answered, excused) > self._silence:
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


class Life:
    """This process among the others of its command, from their meeting to its end."""

    def __init__(self) -> None:
        self._meeting: Meeting | None = None
        self._heart: Heart | None = None
        self._goes_on: Callable[[], str] | None = None
        self._local_rank = 0

    def begin(self, meeting: Meeting) -> None:
        """Beat, if there are others; `shared` is around it, or the end of the program is its end."""
        if meeting.processes > 1:
            assert meeting.is_beside_the_first in (True, False), "asked now, as nobody may answer later"
            self._meeting, self._heart = meeting, Heart(meeting, self._end_process)
            self._heart.start()
            atexit.register(self._end, None)

    @contextmanager
    def shared(self, goes_on: Callable[[], str] | None, local_rank: int = 0) -> Iterator[None]:
        """End this process in the block when another one is lost, and tell the others how it ends itself.

        goes_on: returns what the same command goes on from, for a training. local_rank: this process's number among
        those of its machine.
        """
        self._goes_on, self._local_rank = goes_on, local_rank
        try:
            yield
        except RuntimeError as error:
            self._end_with_the_others(error)
            self._end(_described(error))
            raise
        except UserError as error:
            self._end(str(error), error.exit_code)
            raise
        except SystemExit as ended:
            agreed = isinstance(ended, Leaving) or ended.code in AGREED
            self._end(None if agreed else f"exit code {ended.code}")
            raise
        except BaseException as error:
            self._end(_described(error))
            raise
        self._end(None)

    def _end_with_the_others(self, error: RuntimeError) -> None:
        """Raise SystemExit where an error is that of a collective which has lost a process, once it is known which."""
        if self._heart is None or not (isinstance(error, DistError) or OF_OTHERS.search(str(error))):
            return
        verdict = self._heart.verdict(SILENCE + 3 * INTERVAL)
        if verdict is not None:
            self._end(None)
            self._say(verdict)
            raise SystemExit(verdict.code) from None
        if any(asked()):  # by whoever has started the processes, lost one, and says so
            self._end(None)
            raise SystemExit(128 + signal.SIGTERM) from None

    def _end(self, why: str | None, code: int = LOST) -> None:
        if self._heart is not None and not self._heart.is_over:
            self._heart.end(why, code)

    def _end_process(self, verdict: Verdict) -> None:
        """End this process from outside of its main thread, unless that has met the loss and ends by itself."""
        assert self._heart is not None
        time.sleep(GRACE)
        is_saved = saving.acquire(timeout=SAVING)
        try:
            if not self._heart.is_over:
                self._say(verdict)
        finally:
            if not self._heart.is_over:
                os._exit(verdict.code)
            if is_saved:
                saving.release()

    def _say(self, verdict: Verdict) -> None:
        assert self._meeting is not None
        meeting = self._meeting
        # Where nobody can be asked the first process is gone, which was the first of its machine.
        is_first = self._local_rank == (1 if meeting.is_beside_the_first else 0)
        if within_last_words(lambda: says_first(meeting.again()), otherwise=is_first):
            goes_on = "" if self._goes_on is None else within_last_words(self._goes_on, otherwise="")
            sentence = "; ".join(filter(None, [verdict.why.rstrip("."), goes_on]))
            print(f"error: {sentence}", file=sys.__stderr__ or sys.stderr, flush=True)


@contextmanager
def ended_by_a_lost_process(goes_on: Callable[[], str] | None) -> Iterator[None]:
    """End as the processes do that this one starts in the block, where one of them was killed or has lost another.

    goes_on: returns what the same command goes on from, for a training. Raises SystemExit with their code.
    """
    try:
        yield
    except ProcessExitedException as ended:
        if ended.exit_code == -signal.SIGKILL:
            sentence = f"process {ended.error_index} on this machine was killed (SIGKILL; often for want of memory)"
            print(f"error: {sentence}{f'; {goes_on()}' if goes_on is not None else ''}", file=sys.stderr)
            raise SystemExit(LOST) from None
        if ended.exit_code in (LOST, UserError.exit_code):  # one of them has said why
            raise SystemExit(ended.exit_code) from None
        raise


def within_last_words(ask: Callable[[], T], otherwise: T, seconds: float | None = None) -> T:
    """Return what *ask* gives, or *otherwise* where it fails or takes too long: nothing may hold up an end."""
    answers: list[T] = []

    def asking() -> None:
        with suppress(Exception):
            answers.append(ask())

    thread = threading.Thread(target=asking, daemon=True)
    thread.start()
    thread.join(LAST_WORDS if seconds is None else seconds)
    return answers[0] if answers else otherwise


def _pass(store: Store, verdict: Verdict) -> None:
    """Let all processes know."""
    store.set("verdict", json.dumps([verdict.why, verdict.code]))


def _described(error: BaseException) -> str:
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
