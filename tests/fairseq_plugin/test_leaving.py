"""SIGTERM and SIGUSR1: a training saves and leaves with all its processes, and the same command goes on to the bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from fairseq.data import iterators
from torch.multiprocessing import ProcessExitedException

from mtdeep.checkpoint.read import load_plain
from mtdeep.fairseq_plugin import leaving
from mtdeep.fairseq_plugin.leaving import handed_on, run_heeding
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


def test_behind_its_last_update_a_training_saves_and_ends_by_itself(
    trainer: Callable[..., Trainer], samples, tmp_path: Path
) -> None:
    """It is validated and saved once more, if there is time."""
    made = trainer("--max-update", 1)
    made.get_train_iterator(1)

    def main(cfg: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        made.train_step(samples[:1])
        (last,) = tmp_path.glob("checkpoint*")
        assert load_plain(last)["optimizer_history"][-1]["num_updates"] == 1
        last.unlink()
        assert made.train_step(samples[1:2]) is None
        made.valid_step(samples[1])
        assert not last.exists(), "once is enough"

    run_heeding(main, made.cfg)
    assert made.get_num_updates() == 1


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
    for code in (128 + signal.SIGUSR1, -signal.SIGUSR1):  # it heeds the signal, or does not yet
        with pytest.raises(SystemExit) as ended, handed_on():
            raise ended_by(code)
        assert ended.value.code == 128 + signal.SIGUSR1
    with pytest.raises(ProcessExitedException), handed_on():
        raise ended_by(1)


def test_before_there_is_anything_to_save_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving.multiprocessing, "active_children", list)  # other tests' data workers may be there yet
    with pytest.raises(SystemExit) as ended, handed_on():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143


@pytest.mark.parametrize("number", leaving.SIGNALS)
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_data_worker_heeds_its_training_alone(
    number: signal.Signals, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is spawned has threads of numpy's before it could look at anything."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    loader = iterators.torch.utils.data.DataLoader([*range(100)], num_workers=1, multiprocessing_context=method)
    batches = iter(loader)
    assert next(batches).tolist() == [0]
    (worker,) = batches._workers
    for _ in range(3):
        subprocess.run(["kill", f"-{int(number)}", str(worker.pid)], check=True)
        time.sleep(0.2)
    assert [batch.item() for batch in batches] == [*range(1, 100)], "another process has ended it"
    if worker.is_alive():
        os.kill(worker.pid, number)
    worker.join(30)
    assert worker.exitcode == 0
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {*leaving.SIGNALS}, "here signals come through"


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
    training = [*tiny, *options, "--max-update", "200", "--updates-per-epoch", "70"]
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
    assert 0 < updates < 200 and "Traceback" not in output
    sentence = f"stopped by {number.name}; the same command goes on from {last} (update {updates})"
    assert [line for line in output.splitlines() if line.startswith("stopped")] == [sentence]
    done = run_command("fairseq-train", toy_store, *training, "--save-dir", left)
    assert done.returncode == 0, done.stderr
    one, other = (load_plain(folder / "checkpoint_last.pt")["model"] for folder in (whole, left))
    assert all(torch.equal(weights, other[name]) for name, weights in one.items())
