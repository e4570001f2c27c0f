"""Progress of long work on standard error: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0


class ProgressReport:
    """Shows how far a run is. Use as a context manager.

    Work in stages calls `stage` and then `at` or `advance`; work that says each time what it is at calls `show`.
    In a log a stage has a line when it begins, one when it is complete, and at most one in ten seconds between.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=console) if console.is_terminal else None
        self._task: TaskID | None = None
        self._what, self._done, self._total = "", 0, 0
        self._started = self._last_line = time.monotonic()

    def __enter__(self) -> ProgressReport:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin a stage of *total* steps, with a bar of its own; None where nobody knows how many."""
        self._what, self._done, self._total = what, 0, total or 0
        if self._bars:
            self._task = self._bars.add_task(what, total=total)
        else:
            self._line(f"{what} ...")

    def at(self, done: int, total: int | None = None) -> None:
        """Say how far the stage is."""
        self.show(self._what, done, total or self._total)

    def advance(self, steps: int = 1) -> None:
        """Say that *steps* more are done."""
        self.at(self._done + steps)

    def show(self, what: str, done: int, total: int) -> None:
        """Say what is being done, and how far that is, on the bar that is there; a total of 0 is unknown."""
        ended = done == total and (what, done, total) != (self._what, self._done, self._total)
        self._what, self._done, self._total = what, done, total
        if self._bars:
            if self._task is None:
                self._task = self._bars.add_task(what, total=None)
            self._bars.update(self._task, description=what, completed=done, total=total or None)
        elif ended or time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._line(f"{what}: {done:,}" + (f" of {total:,}" if total else ""))

    def _line(self, text: str) -> None:
        self._last_line = time.monotonic()
        print(f"[{self._last_line - self._started:6.1f} s] {text}", file=sys.stderr, flush=True)
