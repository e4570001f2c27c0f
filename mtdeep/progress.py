"""Progress of long work on standard error: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

SECONDS_OF_A_STAGE = 2.0
"""What a stage must last to have a line, or on a terminal a bar that stays."""
SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_LOOKS = 0.5


class ProgressReport:
    """Shows how far a run is. Use as a context manager.

    Work in stages calls `stage` and then `at` or `advance`; work that says each time what it is at calls `show`.
    In a log a stage has a line once it has lasted two seconds, one each ten seconds from then on, and one when it is
    complete; of short ones, those have one that end two seconds after the last line. So a run of a second has none, and
    a longer one ends with how far it came. A thread writes them: work may be silent for hours.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count seconds; *clock* tells them."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=console) if console.is_terminal else None
        self._task: TaskID | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="progress", daemon=True)
        self._what, self._done, self._total = "", 0, 0
        self._started = self._last_line = self._stage_started = clock()
        self._has_line = False
        self._last_shown = ""

    def __enter__(self) -> ProgressReport:
        if self._bars:
            self._bars.start()
        else:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._drop_short_bar()
            self._bars.stop()
        else:
            self._ended.set()
            self._thread.join()
            if self._last_shown and self._last_shown != self._state:
                self._line()

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin a stage of *total* steps, with a bar of its own; None where nobody knows how many."""
        with self._lock:
            self._begin(what, total or 0)
        if self._bars:
            self._task = self._bars.add_task(what, total=total)

    def at(self, done: int, total: int | None = None) -> None:
        """Say how far the stage is."""
        self.show(self._what, done, total or self._total)

    def advance(self, steps: int = 1) -> None:
        """Say that *steps* more are done."""
        self.at(self._done + steps)

    def show(self, what: str, done: int, total: int) -> None:
        """Say what is being done, and how far that is, on the bar that is there; a total of 0 is unknown."""
        with self._lock:
            if what != self._what and not self._bars:
                self._begin(what, total)
            ended = done == total and done != self._done
            self._what, self._done, self._total = what, done, total
            if ended and (self._has_line or self._clock() - self._last_line >= SECONDS_OF_A_STAGE):
                self._line()
        if self._bars:
            if self._task is None:
                self._task = self._bars.add_task(what, total=None)
            self._bars.update(self._task, description=what, completed=done, total=total or None)

    def tell(self) -> None:
        """Write a line if it is time for one."""
        with self._lock:
            now = self._clock()
            is_long = not self._has_line and now - self._stage_started >= SECONDS_OF_A_STAGE
            is_silent = now - self._last_line >= SECONDS_BETWEEN_LINES
            if self._what and (is_long or is_silent):
                self._line()

    def _look(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            self.tell()

    def _begin(self, what: str, total: int) -> None:
        if self._bars:
            self._drop_short_bar()
        self._what, self._done, self._total = what, 0, total
        self._stage_started, self._has_line = self._clock(), False

    def _drop_short_bar(self) -> None:
        if self._bars and self._task is not None and self._clock() - self._stage_started < SECONDS_OF_A_STAGE:
            self._bars.remove_task(self._task)
        self._task = None

    def _line(self) -> None:
        self._last_line, self._has_line = self._clock(), True
        self._last_shown = self._state
        print(f"[{self._last_line - self._started:6.1f} s] {self._state}", file=sys.stderr, flush=True)

    @property
    def _state(self) -> str:
        """Return what a line says."""
        of_all = f" of {self._total:,}" if self._total else ""
        return f"{self._what}: {self._done:,}{of_all}" if self._done else f"{self._what} ..."
