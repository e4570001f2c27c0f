"""SIGTERM and SIGUSR1: a training saves and leaves with all its processes, and the same command goes on to the bit."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.multiprocessing import ProcessExitedException

from mtdeep.checkpoint.read import load_plain
from mtdeep.fairseq_plugin import leaving
from mtdeep.fairseq_plugin.leaving import handed_on, heed_parent_alone, run_heeding
from mtdeep.fairseq_plugin.trainer import Trainer

PROGRAM = Path(sys.executable).with_name("fairseq-train")
TWO = ("--distributed-world-size", "2", "--find-unused-parameters")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of this process stay as they are."""
    before = [signal.getsignal(number) for number in leaving.SIGNALS]
    yield
    assert [signal.getsignal(number) for number in leaving.SIGNALS] == before


@pytest.mark.parametrize("number", leaving.SIGNALS)
@pytest.mark.parametrize("when", ["an update", "a validation"])
def test_it_saves_and_ends(
    number: signal.Signals, when: str, trainer: Callable[..., Trainer], samples, tmp_path: Path, capfd
) -> None:
    made = trainer()
    made.get_train_iterator(1)

    def main(cfg: object) -> None:
        made.train_step(samples[:1])
        signal.raise_signal(number)
        assert not (tmp_path / "checkpoint_last.pt").exists()
        if when == "an update":
            made.train_step(samples[1:2])
        made.valid_step(samples[2])

    with pytest.raises(SystemExit) as ended:
        run_heeding(main, made.cfg)
    assert ended.value.code == 128 + number
    updates = 2 if when == "an update" else 1
    last = tmp_path / "checkpoint_last.pt"
    assert load_plain(last)["optimizer_history"][-1]["num_updates"] == updates
    sentence = f"stopped by {number.name}; the same command goes on from {last} (update {updates})"
    assert capfd.readouterr().err.splitlines()[-1] == sentence


def test_signals_that_are_ignored_stay_ignored() -> None:
    """As a script may have asked for."""
    previous = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        run_heeding(lambda cfg: signal.raise_signal(signal.SIGUSR1), None)
        assert leaving.asked() == [False, False]
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_the_next_training_of_a_process_has_not_been_asked() -> None:
    run_heeding(lambda cfg: signal.raise_signal(signal.SIGTERM), None)
    assert leaving.asked() == [True, False]
    run_heeding(lambda cfg: None, None)
    assert leaving.asked() == [False, False]


def ended_by(code: int) -> ProcessExitedException:
    return ProcessExitedException("a worker ended", 0, 99, code)


def test_it_ends_as_its_workers_do() -> None:
    with pytest.raises(SystemExit) as ended, handed_on():
        raise ended_by(128 + signal.SIGUSR1)
    assert ended.value.code == 128 + signal.SIGUSR1
    with pytest.raises(ProcessExitedException), handed_on():
        raise ended_by(1)


def test_before_there_is_anything_to_save_it_ends_at_once() -> None:
    with pytest.raises(SystemExit) as ended, handed_on():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143


def wait_for_parent(begun: Any) -> None:
    heed_parent_alone()
    begun.set()
    time.sleep(60)


@pytest.mark.parametrize("number", leaving.SIGNALS)
def test_a_data_worker_heeds_its_training_alone(number: signal.Signals) -> None:
    context = multiprocessing.get_context("fork")
    begun = context.Event()
    worker = context.Process(target=wait_for_parent, args=(begun,))
    worker.start()
    begun.wait(30)
    assert worker.pid is not None
    subprocess.run(["kill", f"-{int(number)}", str(worker.pid)], check=True)
    worker.join(0.3)
    assert worker.exitcode is None, "another process has ended it"
    os.kill(worker.pid, number)
    worker.join(30)
    assert worker.exitcode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "number", "to_all"),
    [
        ((), signal.SIGTERM, False),
        ((), signal.SIGUSR1, True),
        (TWO, signal.SIGTERM, False),
        (TWO, signal.SIGTERM, True),
        (("--bf16", *TWO), signal.SIGUSR1, True),
    ],
)
def test_the_same_command_goes_on_to_the_bit(
    options: tuple[str, ...],
    number: signal.Signals,
    to_all: bool,
    toy_store: Path,
    tmp_path: Path,
    run_command,
    tiny: list[str],
    wait_until,
) -> None:
    """A user's `kill` reaches the process that was started, and a cluster all of them."""
    training = [*tiny, *options, "--max-update", "60", "--updates-per-epoch", "20"]
    whole, left, log = tmp_path / "whole", tmp_path / "left", tmp_path / "log"
    done = run_command("fairseq-train", toy_store, *training, "--save-dir", whole)
    assert done.returncode == 0, done.stderr
    command = [PROGRAM, toy_store, *training, "--save-dir", left]
    with (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(
            [*command, "--log-file", log],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    wait_until(lambda: log.exists() and "Start iterating" in log.read_text(), 240)
    (os.killpg if to_all else os.kill)(process.pid, number)
    assert process.wait(120) == 128 + number
    output = (tmp_path / "printed").read_text()
    last = left / "checkpoint_last.pt"
    updates = load_plain(last)["optimizer_history"][-1]["num_updates"]
    assert 0 < updates < 60 and "Traceback" not in output
    sentence = f"stopped by {number.name}; the same command goes on from {last} (update {updates})"
    assert [line for line in output.splitlines() if line.startswith("stopped")] == [sentence]
    done = run_command("fairseq-train", toy_store, *training, "--save-dir", left)
    assert done.returncode == 0, done.stderr
    one, other = (load_plain(folder / "checkpoint_last.pt")["model"] for folder in (whole, left))
    assert all(torch.equal(weights, other[name]) for name, weights in one.items())
