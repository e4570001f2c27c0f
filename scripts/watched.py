"""Run a command and say how long it took and how much memory all its processes together had at most."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PROCESSES = Path("/proc")
_EVERY = 0.2  # seconds
_PSS = re.compile(rb"^Pss:\s*(\d+) kB", re.M)


@dataclass(frozen=True)
class Watched:
    """Seconds of wall clock, and bytes: proportional set sizes, in which a page that processes share counts once."""

    seconds: float
    peak_bytes: int


def watched(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Watched:
    """Run an installed console script with its arguments (Linux); its output goes to standard error.

    Raises `subprocess.CalledProcessError` when it fails.
    """
    started = time.monotonic()
    peak = 0
    installed = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    with subprocess.Popen(installed, env=environment, stdout=sys.stderr) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_memory, _tree(process.pid))))
            time.sleep(_EVERY)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, installed)
    return Watched(time.monotonic() - started, peak)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = b" ".join(file.read_bytes() for file in (_PROCESSES / str(pid) / "task").glob("*/children"))
    except OSError:
        return  # it has ended meanwhile
    for child in children.split():
        yield from _tree(int(child))


def _memory(pid: int) -> int:
    try:
        found = _PSS.search((_PROCESSES / str(pid) / "smaps_rollup").read_bytes())
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0
