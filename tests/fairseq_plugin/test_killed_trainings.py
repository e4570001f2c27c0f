"""kill -9, and the same command: weights and moments are those of a training that nobody has killed, to the bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from mtdeep.checkpoint.read import load_plain

PROGRAM = Path(sys.executable).with_name("fairseq-train")
TWO = ("--distributed-world-size", "2", "--find-unused-parameters")
TRAININGS = (
    (),
    ("--bf16", "--update-freq", "2"),
    ("--amp",),
    ("--update-freq", "2", *TWO),
    ("--bf16", "--depth-rates", "adam", *TWO),
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("options", TRAININGS, ids=" ".join)
def test_the_same_command_goes_on_to_the_bit(
    options: tuple[str, ...], toy_store: Path, tmp_path: Path, run_command, tiny: list[str]
) -> None:
    """Killed in the midst of an epoch, some updates after a checkpoint."""
    training = [*tiny, *options, "--max-update", "90", "--updates-per-epoch", "50", "--save-interval-updates", "15"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = run_command("fairseq-train", toy_store, *training, "--save-dir", whole)
    assert done.returncode == 0, done.stderr
    kill_after(killed / "checkpoint_last.pt", [PROGRAM, toy_store, *training, "--save-dir", killed])
    assert load_plain(killed / "checkpoint_last.pt")["optimizer_history"][-1]["num_updates"] < 90
    done = run_command("fairseq-train", toy_store, *training, "--save-dir", killed)
    assert done.returncode == 0, done.stderr
    one, other = (load_plain(folder / "checkpoint_last.pt") for folder in (whole, killed))
    assert one["optimizer_history"][-1]["num_updates"] == 90
    for part in ("model", "last_optimizer_state"):
        assert same(one[part], other[part]), part


def kill_after(checkpoint: Path, command: list[str | Path]) -> None:
    """Start a training, and kill all its processes once *checkpoint* is there."""
    training = subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # as run_command has it: sums in another order have other last bits
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not checkpoint.exists():
        assert training.poll() is None
        time.sleep(0.05)
    os.killpg(training.pid, signal.SIGKILL)
    training.wait()


def same(one: Any, other: Any) -> bool:
    """Whether two parts of checkpoints are equal, tensors to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
