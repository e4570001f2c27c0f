"""Progress of long work: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_SECONDS_BETWEEN_LINES = 5.0


class ProgressReport:
    """Shows the stages of a run on standard error. Use as a context manager."""

    def __init__(self) -> None:
        """Choose bars or lines by what standard error is."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=console) if console.is_terminal else None
        self._task: TaskID | None = None
        self._what, self._total, self._done = "", 0, 0
        self._started = self._last_line = time.monotonic()

    def __enter__(self) -> ProgressReport:
        """Start the display."""
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the display."""
        if self._bars:
            self._bars.stop()

    def stage(self, what: str, total: int | None = None) -> None:
        """Begin a stage of *total* steps; None where nobody knows."""
        self._what, self._total, self._done = what, total or 0, 0
        if self._bars:
            self._task = self._bars.add_task(what, total=total)
        else:
            self._line(f"{what} ...")

    def at(self, done: int, total: int | None = None) -> None:
        """Say how far the stage is."""
        self._done = done
        self._total = total or self._total
        if self._bars and self._task is not None:
            self._bars.update(self._task, completed=done, total=self._total or None)
        elif time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            of = f" of {self._total:,}" if self._total else ""
            self._line(f"{self._what}: {done:,}{of}")

    def advance(self, steps: int) -> None:
        """Say that *steps* more are done."""
        self.at(self._done + steps)

    def _line(self, text: str) -> None:
        self._last_line = time.monotonic()
        print(f"[{self._last_line - self._started:6.1f} s] {text}", file=sys.stderr, flush=True)
