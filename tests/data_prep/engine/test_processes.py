"""Processes that work for another end with it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PROGRAM = """
import os, time
from data_prep.engine.processes import processes

if __name__ == "__main__":
    executor = processes(2)
    work = [executor.submit(time.sleep, 1) for _ in range(2)]
    print(*executor._processes, flush=True)
    for each in work:
        each.result()
    print("idle", flush=True)
    time.sleep(600)
"""


def test_idle_workers_end_with_a_process_that_is_killed(tmp_path: Path, is_alive: Callable[[int], bool]) -> None:
    script = tmp_path / "program.py"  # spawned processes import it
    script.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        workers = [int(number) for number in process.stdout.readline().split()]
        assert process.stdout.readline() == "idle\n"
        assert len(workers) == 2 and all(map(is_alive, workers))
        process.kill()
    deadline = time.monotonic() + 60
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
