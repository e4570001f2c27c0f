"""Tasks of srun train together, on one node and on two; what they meet there ends them with a sentence.

SLURM itself is not here: its variables are, as srun's manual has them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint.read import load_plain

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[3] / "scripts" / "slurm.sh"
JOB = 4000 + os.getpid() % 10_000
"""Its port is 15,000 more."""


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    model: dict[str, torch.Tensor] = load_plain(checkpoint)["model"]
    return {name: tensor.clone() for name, tensor in model.items()}


def last_line(log: Path) -> str:
    return [line for line in log.read_text().splitlines() if line and not line.startswith("frame #")][-1]


@pytest.mark.parametrize("stopped", [0, 1])
def test_a_stopped_task_ends_the_other(stopped: int, start_task, wait_until, tmp_path: Path) -> None:
    """It is alive, and its connections are: a sum alone would wait for half an hour. The first keeps what all share."""
    run = tmp_path / "run"
    tasks = [start_task(rank, "--save-dir", run, "--save-interval-updates", 20, job=JOB) for rank in range(2)]
    wait_until(lambda: (run / "checkpoint_last.pt").exists(), 240)
    os.kill(tasks[stopped].pid, signal.SIGSTOP)
    assert tasks[1 - stopped].wait(60) == 75, "EX_TEMPFAIL"
    sentence = last_line(tmp_path / f"log{1 - stopped}")
    assert f"process {stopped} of 2 (on " in sentence
    assert "has not been heard of for 35 s" in sentence
    assert f"the same command goes on from {run}/checkpoint_last.pt (update " in sentence


def test_a_killed_task_ends_the_other(start_task, wait_until, tmp_path: Path) -> None:
    """srun without --kill-on-bad-exit leaves it alone; the first one keeps what all share."""
    run = tmp_path / "run"
    tasks = [start_task(rank, "--save-dir", run, "--save-interval-updates", 20, job=JOB) for rank in range(2)]
    wait_until(lambda: (run / "checkpoint_last.pt").exists(), 240)
    tasks[0].kill()
    assert tasks[1].wait(60) == 75
    assert "process 0 of 2 (on " in last_line(tmp_path / "log1")


def test_tasks_that_are_told_different_numbers(start_task, tmp_path: Path) -> None:
    tasks = [start_task(rank, "--save-dir", tmp_path / "run", job=JOB, tasks=2 + rank) for rank in range(2)]
    assert [task.wait(120) for task in tasks] == [2, 2]
    logs = [(tmp_path / f"log{rank}").read_text() for rank in range(2)]
    assert sum("has --distributed-world-size 3, but process 0 has 2: give" in log for log in logs) == 1


@pytest.fixture
def nodes() -> Iterator[list[list[str]]]:
    """Two network namespaces with names and addresses of their own; for each the words that run something in it."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    names = [f"mtdeep{os.getpid()}{letter}" for letter in "ab"]

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    try:
        for name in names:
            ip("netns", "add", name)
        ends = [("netns", names[0]), ("peer", "name", "link1", "netns", names[1])]
        ip("link", "add", "link0", *ends[0], "type", "veth", *ends[1])
        for number, name in enumerate(names):
            ip("-n", name, "addr", "add", f"10.77.0.{number + 1}/24", "dev", f"link{number}")
            for device in ("lo", f"link{number}"):
                ip("-n", name, "link", "set", device, "up")
        yield [
            ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$0" "$@"']
            for name in names
        ]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_two_nodes_train_as_two_processes(start_task, nodes, run_command, tiny, toy_store, tmp_path: Path) -> None:
    """To the bit; each node's own name leads to no address, or to 127.0.0.1, as it may be on real ones."""
    flags = ["--max-update", "30", "--no-epoch-checkpoints", "--update-freq", "2", "--max-tokens", "200"]
    at = {"job": JOB, "node": "10.77.0.1", "nodes": 2}
    apart = [start_task(rank, *flags, "--save-dir", tmp_path / "apart", before=nodes[rank], **at) for rank in range(2)]
    assert [task.wait(240) for task in apart] == [0, 0], (tmp_path / "log1").read_text()
    together = ["--distributed-world-size", "2", "--save-dir", tmp_path / "together"]
    done = run_command("fairseq-train", toy_store, *tiny, *flags, *together)
    assert done.returncode == 0, done.stderr
    first, second = (weights(tmp_path / folder / "checkpoint_last.pt") for folder in ("apart", "together"))
    assert all(torch.equal(first[name], second[name]) for name in second)


SRUN = f"""#!{sys.executable}
import os, subprocess, sys
assert sys.argv[1] == "--kill-on-bad-exit=0" and os.environ["SRUN_CPUS_PER_TASK"] == "1"
words = sys.argv[2:]
words = words if "CODE" not in os.environ else [sys.executable, "-c", f"raise SystemExit({{os.environ['CODE']}})"]
tasks = []
for rank in range(2):
    ours = dict(SLURM_STEP_NUM_TASKS="2", SLURM_STEP_NUM_NODES="1", SLURM_STEP_NODELIST="localhost",
                SLURM_STEP_ID="0", SLURM_PROCID=str(rank), SLURM_LOCALID=str(rank), SLURM_NODEID="0")
    tasks.append(subprocess.Popen(words, env={{**os.environ, **ours}}))
sys.exit(max(task.wait() for task in tasks))
"""


@pytest.fixture
def script(tmp_path: Path, run_command):
    """Run scripts/slurm.sh with other programs in srun's and scancel's place."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "srun").write_text(SRUN)
    (programs / "scancel").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/cancelled\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])

    def run(*flags: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(SCRIPT), *map(str, flags)],
            env={**os.environ, "PATH": path, "SLURM_JOB_ID": str(JOB), "SLURM_ARRAY_JOB_ID": "12", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_script_trains(script, tiny, toy_store: Path, tmp_path: Path) -> None:
    done = script(toy_store, *tiny, "--max-update", 5, "--save-dir", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "training on 2 devices" in done.stdout + done.stderr
    assert load_plain(tmp_path / "run" / "checkpoint_last.pt")["optimizer_history"][-1]["num_updates"] == 5
    assert (tmp_path / "cancelled").read_text() == "--state=PENDING 12\n"


@pytest.mark.parametrize("code", [0, 2, 138, 143, 75, 1])
def test_the_array_goes_on_until_it_is_over(script, code: int, tmp_path: Path) -> None:
    assert script(CODE=str(code)).returncode == code
    assert (tmp_path / "cancelled").exists() == (code in (0, 2))
