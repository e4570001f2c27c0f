"""Several trainings, some at a time, each in its own folder; killed and started again it repeats none that is finished.

A folder holds run.json (what is trained), made_with.json (on what machine, with which versions), training.log and
output.txt (what fairseq says), checkpoints/, of which the last stays when the training is over, and finished.json then.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import xxhash
from fairseq_log import last_update

from mtdeep.corpus import Store
from mtdeep.corpus.store import file_digest
from mtdeep.durable import write_atomically
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import made_with

COMMANDS = Path(sys.executable).parent
RUN, MADE_WITH, FINISHED = "run.json", "made_with.json", "finished.json"
LOG, OUTPUT, CHECKPOINTS, LAST = "training.log", "output.txt", "checkpoints", "checkpoint_last.pt"
PACKAGES = ("torch", "fairseq", "mtdeep")
SECONDS_OF_WORKERS = 10.0
"""torch's data workers look every 5 s for the process that they serve."""
LOADING = "--num-workers"
LOGGING = ("--log-format", "json", "--log-interval", "10")


@dataclass(frozen=True)
class Run:
    """One training. *row* and *column* are its place in the report; *layers* is what an update costs, about."""

    name: str
    row: str
    column: str
    layers: int
    updates: int
    arguments: tuple[str, ...]

    @property
    def cost(self) -> int:
        """The whole training's cost."""
        return self.layers * self.updates

    def command(self, data: Path | str, folder: Path) -> list[str]:
        """Return fairseq-train with all its arguments; what it writes goes into *folder*."""
        files = ["--save-dir", str(folder / CHECKPOINTS), "--log-file", str(folder / LOG)]
        return ["fairseq-train", str(data), *self.arguments, "--max-update", str(self.updates), *LOGGING, *files]


@dataclass
class _Training:
    """A run whose process is there."""

    run: Run
    folder: Path
    process: subprocess.Popen[bytes]
    lock: IO[str]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.lock.close()


def sweep(runs: Sequence[Run], data: Path, folder: Path, jobs: int) -> None:
    """Train what is not finished, *jobs* at a time with one thread each, the longest first.

    A training that stopped half-way goes on from its checkpoint. Raises UserError when a folder holds another training
    or one that still goes on; ends the program with what failed, once the others are finished.
    """
    identity = identity_of(data)
    waiting = [run for run in runs if not _is_finished(run, folder / run.name, identity)]
    waiting.sort(key=lambda run: run.cost, reverse=True)
    failed: list[str] = []
    trainings: list[_Training] = []
    clock = _Clock(runs, waiting, folder)
    try:
        with _terminable(), ProgressReport() as progress:
            while waiting or trainings:
                while waiting and len(trainings) < jobs:
                    trainings.append(_start(waiting.pop(0), data, folder, identity))
                for training in [t for t in trainings if t.process.poll() is not None]:
                    trainings.remove(training)
                    failed += _finish(training)
                progress.show(*clock.look(trainings, waiting))
                time.sleep(0.2)
    finally:
        for training in trainings:
            training.end()
    if failed:
        sys.exit("These trainings failed; mend it and start again, the others are finished:\n" + "\n".join(failed))


def identity_of(data: Path) -> str:
    """Return a digest of what fairseq-train is given: a store, or a data-bin of one language."""
    if not (data / "dict.txt").exists():
        return Store(data).digest
    files = sorted(path for path in data.iterdir() if path.suffix in (".txt", ".bin", ".idx"))
    return xxhash.xxh3_128_hexdigest("".join(file_digest(path) for path in files).encode())


def _is_finished(run: Run, folder: Path, data: str) -> bool:
    """Compare what the folder holds with *run*, if anything."""
    if not (folder / RUN).exists():
        return False
    if _decisive(_read(folder / RUN)) != _decisive(_record(run, data)):
        raise UserError(f"{folder} holds a training with other options or data; remove it or give another --folder.")
    if not (folder / FINISHED).exists():
        return False
    _keep_the_last(folder)  # the sweep may have been killed before it did
    return True


def _start(run: Run, data: Path, parent: Path, identity: str) -> _Training:
    folder = parent / run.name
    folder.mkdir(parents=True, exist_ok=True)
    lock = _locked(folder)
    write_atomically(folder / RUN, lambda path: path.write_text(json.dumps(_record(run, identity), indent=1)))
    both = list(dict.fromkeys([*trained_with(folder), made_with(*PACKAGES)]))
    write_atomically(folder / MADE_WITH, lambda path: path.write_text(json.dumps(both, indent=1)))
    program, *arguments = run.command(data, folder)
    with (folder / OUTPUT).open("wb") as output:
        process = subprocess.Popen(
            [str(COMMANDS / program), *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(lock.fileno(),),
        )
    lock.write(str(process.pid))
    lock.flush()
    return _Training(run, folder, process, lock)


def _locked(folder: Path) -> IO[str]:
    """Lock the folder for us and the training, which outlives us when we are killed with signal 9.

    Its data workers outlive it in turn: they have the lock too, and see after some seconds that it is gone.
    """
    lock = (folder / "lock").open("a+")
    lock.seek(0)
    number = lock.read()
    deadline = time.monotonic() + SECONDS_OF_WORKERS
    while not _is_ours(lock):
        if _is_alive(number) or time.monotonic() > deadline:
            lock.close()
            raise UserError(f"{folder}: its training, process {number}, still goes on; wait for it or end it.")
        time.sleep(0.1)
    lock.truncate(0)
    return lock


def _is_alive(number: str) -> bool:
    """Return whether a process is there; one that is just being started has no number yet."""
    return not number or Path("/proc", number).exists()


def _is_ours(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _finish(training: _Training) -> list[str]:
    """Record how the training ended; returns a line when it failed.

    fairseq ends a training with FloatingPointError when loss or gradients are not finite, or when the loss scale has
    reached its minimum: that is a result. Anything else is a failure, and the run is not finished.
    """
    training.end()
    output = training.folder / OUTPUT
    stopped = None
    if training.process.returncode:
        errors = re.findall(r"^FloatingPointError.*$", output.read_text(encoding="utf-8", errors="replace"), re.M)
        if training.process.returncode < 0 or not errors:
            return [f"  {training.run.name}, exit code {training.process.returncode}: {output}"]
        stopped = errors[-1]
    write_atomically(training.folder / FINISHED, lambda path: path.write_text(json.dumps({"stopped": stopped})))
    _keep_the_last(training.folder)
    return []


def _keep_the_last(folder: Path) -> None:
    """Leave only what a training ended with, if it came to a checkpoint."""
    for path in (folder / CHECKPOINTS).glob("*.pt"):
        if path.name != LAST:
            path.unlink()


def stopped_by(folder: Path) -> str | None:
    """Return what fairseq ended a finished training with, or None when it came to its end."""
    stopped: str | None = _read(folder / FINISHED)["stopped"]
    return stopped


def trained_with(folder: Path) -> list[str]:
    """Return machine and versions of a training; several when it was gone on with elsewhere."""
    made: list[str] = _read(folder / MADE_WITH) if (folder / MADE_WITH).exists() else []
    return made


class _Clock:
    """How far the sweep is, and how long the rest takes at the speed so far."""

    def __init__(self, runs: Sequence[Run], waiting: Sequence[Run], folder: Path) -> None:
        self._runs = runs
        self._began = time.monotonic()
        self._at_first = {run.name: last_update(folder / run.name / LOG) for run in waiting}
        self._waiting = tuple(waiting)
        self._folder = folder

    def look(self, trainings: Sequence[_Training], waiting: Sequence[Run]) -> tuple[str, int, int]:
        """Return what is being done, with the minutes left, and (done, total) in hundredths of the cost."""
        unfinished = {training.run.name: last_update(training.folder / LOG) for training in trainings}
        for name, update in unfinished.items():  # a training that was killed goes on from before its log's end
            self._at_first[name] = min(self._at_first[name], update)
        unfinished |= {run.name: self._at_first[run.name] for run in waiting}
        total = sum(run.cost for run in self._runs)
        left = sum(run.layers * (run.updates - unfinished[run.name]) for run in self._runs if run.name in unfinished)
        left_at_first = sum(run.layers * (run.updates - self._at_first[run.name]) for run in self._waiting)
        gained = left_at_first - left
        elapsed = time.monotonic() - self._began
        minutes = f"about {elapsed * left / gained / 60:.0f} min left" if gained else "time left not known yet"
        now = [f"{t.run.name} at {unfinished[t.run.name]}/{t.run.updates}" for t in trainings]
        done = len(self._runs) - len(unfinished)
        what = ", ".join([f"{done} of {len(self._runs)} trainings done", *now, *([minutes] if left else [])])
        return what, round(100 * (total - left) / total), 100


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the program as Ctrl-C does, so that it ends its trainings."""

    def leave(number: int, _: Any) -> None:
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _record(run: Run, data: str) -> dict[str, Any]:
    return {"data": data, "arguments": list(run.arguments), "updates": run.updates}


def _decisive(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without the number of processes that load the data, which changes no batch and no loss."""
    arguments = record["arguments"]
    if LOADING not in arguments:
        return record
    place = arguments.index(LOADING)
    return {**record, "arguments": arguments[:place] + arguments[place + 2 :]}


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
