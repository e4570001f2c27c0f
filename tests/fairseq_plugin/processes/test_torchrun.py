"""Processes that torchrun starts, ends, and starts again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mtdeep.checkpoint.read import load_plain

pytestmark = pytest.mark.slow
PROGRAMS = Path(sys.executable).parent
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tiny: list[str], toy_store: Path, tmp_path: Path, port: int) -> Iterator[Start]:
    """Start torchrun with two processes that train: (torchrun's flags, the training's)."""
    started = []

    def run(flags: list[object], *training: object) -> subprocess.Popen[bytes]:
        command = [PROGRAMS / "torchrun", "--nproc-per-node", 2, "--master-port", port, *flags]
        command += [PROGRAMS / "fairseq-train", toy_store, *tiny, "--save-dir", tmp_path / "run", *training]
        log = (tmp_path / "log").open("w")
        done = subprocess.Popen(
            list(map(str, command)), env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=log, stderr=subprocess.STDOUT
        )
        started.append((done, log))
        return done

    yield run
    for done, log in started:
        done.kill()
        done.wait()
        log.close()


def workers(torchrun: subprocess.Popen[bytes]) -> list[int]:
    """The processes that it has started, in the order of their ranks."""
    children = Path(f"/proc/{torchrun.pid}/task/{torchrun.pid}/children").read_text().split()
    named = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return sorted(pid for pid, command in named.items() if b"fairseq-train" in command)


def updates(tmp_path: Path) -> int:
    history = load_plain(tmp_path / "run" / "checkpoint_last.pt")["optimizer_history"]
    return int(history[-1]["num_updates"])


@pytest.mark.parametrize("killed", [0, 1])
def test_a_worker_that_is_killed_is_started_again_and_goes_on(
    killed: int, start: Start, wait_until, tmp_path: Path
) -> None:
    """torchrun's agent keeps what the processes share: what the first ones have left there must not end the second."""
    torchrun = start(["--max-restarts", 1], "--max-update", 400, "--save-interval-updates", 20)
    wait_until(lambda: (tmp_path / "run" / "checkpoint_last.pt").exists(), 240)
    os.kill(workers(torchrun)[killed], signal.SIGKILL)
    log = tmp_path / "log"
    assert torchrun.wait(240) == 0, log.read_text()
    assert updates(tmp_path) == 400
    assert "Loaded checkpoint" in log.read_text()
    assert "Connection closed by peer" not in log.read_text(), "the other one's traceback"


def test_a_training_that_is_asked_to_leave_saves(start: Start, wait_until, tmp_path: Path) -> None:
    torchrun = start([], "--max-update", 100_000)
    wait_until(lambda: "num_updates=50," in (tmp_path / "log").read_text(), 240)
    torchrun.terminate()
    assert torchrun.wait(60) == 1, "torchrun's own"
    assert updates(tmp_path) >= 50
    sentence = f"stopped by SIGTERM; the same command goes on from {tmp_path}/run/checkpoint_last.pt (update "
    assert sentence in (tmp_path / "log").read_text()
