"""Tasks on all cores of this machine, or on the workers of a dask cluster: the same results, byte for byte."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from data_prep.engine.processes import processes
from data_prep.engine.task import Result, Task, carry_out, finished
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

Workers = Callable[[], Executor] | None
"""What starts those who work; None: this process does it all."""
ATTEMPTS = 3
"""How often the pool of this machine is set up anew after a worker was killed while the same tasks were at it."""


class Pool:
    """Carries out tasks that are not finished, in any order, and gives the results in theirs.

    A context manager: its workers start with the first task that is not finished, and stay until it is left.
    """

    def __init__(self, work: Path, workers: Workers, progress: ProgressReport) -> None:
        """Prepare to work in the folder *work*, which every worker sees at the same path."""
        self._work, self._workers, self._progress = work, workers, progress
        self._executor: Executor | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._executor:
            self._executor.shutdown()
            self._executor = None

    def run(self, stage: str, tasks: Sequence[Task]) -> list[Result]:
        """Return the result of each task; a result that is there already is taken as it is.

        The first error of a task ends the stage: what else was finished stays for the next run. Raises UserError when
        workers die again and again, which on most machines means that memory ran out.
        """
        results = {i: found for i, task in enumerate(tasks) if (found := finished(task, self._work))}
        waiting = [i for i in range(len(tasks)) if i not in results]
        self._progress.stage(stage, len(tasks))
        self._progress.at(len(results))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                for i, result in self._results(tasks, waiting):
                    results[i] = result
                    self._progress.at(len(results))
                break
            except BrokenProcessPool:
                self._end()
                waiting = [i for i in waiting if i not in results]
                if attempt == ATTEMPTS:
                    raise UserError(
                        f"{stage}: a worker process was killed {ATTEMPTS} times, last with {len(waiting)} tasks left; "
                        "give it more memory, or fewer --workers"
                    ) from None
        return [results[i] for i in range(len(tasks))]

    def _results(self, tasks: Sequence[Task], waiting: Sequence[int]) -> Iterator[tuple[int, Result]]:
        if self._workers is None:
            yield from ((i, carry_out(tasks[i], self._work)) for i in waiting)
            return
        if not waiting:
            return
        self._executor = self._executor or self._workers()
        futures: dict[Future[Result], int] = {
            self._executor.submit(carry_out, tasks[i], self._work): i for i in waiting
        }
        left = set(futures)
        try:
            while left:
                done, left = wait(left, return_when=FIRST_COMPLETED)
                for future in done:
                    yield futures[future], future.result()
        finally:
            for future in left:
                future.cancel()


def local(workers: int | None = None) -> Workers:
    """Return what starts processes on this machine, one a core unless *workers* says otherwise; one is this process."""
    count = workers or os.cpu_count() or 1
    if count == 1:
        return None
    return lambda: processes(count)


@contextmanager
def cluster(address: str) -> Iterator[Workers]:
    """Give what hands tasks to the dask scheduler at *address*, whose workers see the same files.

    A worker that dies is replaced by another: the scheduler gives its tasks out again. Raises UserError where
    dask.distributed is not installed or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UserError("--scheduler needs dask.distributed; install it with pip install 'mtdeep[cluster]'") from None
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except OSError as error:
        raise UserError(f"{address}: no dask scheduler answers ({error}); start one, or correct the address") from None
    with client:
        yield client.get_executor
