"""What ends a worker reaches the user; several machines share one training."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.multiprocessing import ProcessRaisedException

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.compat.gloo_backend import out_of_sight
from mtdeep.fairseq_plugin.compat.worker_errors import raising_workers_errors

TRACEBACK = "\n\n-- Process 1 terminated with the following error:\nTraceback (most recent call last):\n  ...\n"


def test_what_the_user_did_wrong_is_told_as_such() -> None:
    text = TRACEBACK + "mtdeep.errors.UserError: store: no such folder; make it first.\n"
    with pytest.raises(UserError, match=r"^store: no such folder; make it first\.$"), raising_workers_errors():
        raise ProcessRaisedException(text, 1, 99)


@pytest.mark.parametrize("file", [None, "run/directions.tsv"])
def test_a_full_disk_is_told_as_such(file: str | None) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", file)
    with pytest.raises(OSError, match="No space left") as problem, raising_workers_errors():
        raise ProcessRaisedException(f"{TRACEBACK}OSError: {full}\n", 1, 99)
    assert (problem.value.errno, problem.value.filename) == (errno.ENOSPC, file)


@pytest.mark.parametrize(
    "last",
    [
        "KeyError: 'x'\n",
        "OSError: [Errno 5] Input/output error\n\nKeyError: 'x'\n",
        "mtdeep.errors.UserError: wrong\n\nDuring handling ...\n\nKeyError: 'x'\n",
    ],
)
def test_a_defect_keeps_its_traceback(last: str) -> None:
    with pytest.raises(ProcessRaisedException, match="KeyError"), raising_workers_errors():
        raise ProcessRaisedException(TRACEBACK + last, 1, 99)


def test_gpus_are_out_of_sight_for_a_while(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with out_of_sight():
        assert not torch.cuda.is_available()
    assert torch.cuda.is_available()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them(
    transformer, databin: Path, tmp_path: Path, is_alive: Callable[[int], bool], wait_until
) -> None:
    """Started as a shell script's `... &` is, with SIGINT ignored, and killed when the training goes on."""
    log = tmp_path / "log"
    flags = [*transformer, "--cpu", "--distributed-world-size", "2", "--save-dir", tmp_path, "--log-file", log]
    program = Path(sys.executable).with_name("fairseq-train")
    parent = subprocess.Popen(
        [program, databin, *map(str, flags), "--max-update", "100000"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    wait_until(lambda: log.exists() and "Start iterating" in log.read_text(), 240)
    workers = children(parent.pid)
    assert len(workers) >= 2
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(is_alive, workers)), 60)


@pytest.mark.slow
def test_two_machines_of_one_process_each(run_command, transformer, databin: Path, tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("localhost", 0))
        port = server.getsockname()[1]
    flags = [
        *("fairseq-train", databin, *transformer, "--cpu", "--max-update", "2", "--save-dir", tmp_path),
        *("--distributed-world-size", "2", "--nprocs-per-node", "1"),
        *("--distributed-init-method", f"tcp://localhost:{port}"),
    ]
    program = Path(sys.executable).with_name("fairseq-train")
    other = subprocess.Popen(
        [program, *map(str, flags[1:]), "--distributed-rank", "1"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    done = run_command(*flags, "--distributed-rank", "0")
    assert done.returncode == 0, done.stderr
    assert other.wait(60) == 0
    assert "training on 2 devices" in done.stdout + done.stderr


def test_one_process_with_a_place_to_meet_trains(run_command, transformer, databin: Path, tmp_path: Path) -> None:
    """Without GPUs fairseq starts as many processes as there are of these, none, and ends well."""
    done = run_command(
        *("fairseq-train", databin, *transformer, "--cpu", "--max-update", "2", "--save-dir", tmp_path),
        *("--distributed-init-method", "tcp://localhost:0"),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "checkpoint_last.pt").exists()


def test_ranks_that_do_not_fit_are_refused(run_command, transformer, databin: Path, tmp_path: Path) -> None:
    done = run_command(
        *("fairseq-train", databin, *transformer, "--cpu", "--max-update", "2", "--save-dir", tmp_path),
        *("--distributed-world-size", "2", "--nprocs-per-node", "2", "--distributed-rank", "1"),
        *("--distributed-init-method", "tcp://localhost:1"),
    )
    assert done.returncode == 2, done.stderr
    assert "do not fit into --distributed-world-size 2" in done.stderr.splitlines()[-1]
