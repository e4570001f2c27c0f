"""A training that goes on knows what its loop knew: here it trains in the tests' own process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq import checkpoint_utils, options
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq_cli import train as fairseq_train

from mtdeep.checkpoint.read import load_plain
from mtdeep.fairseq_plugin import trainer

Train = Callable[..., dict[str, Any]]
# A rate at which no weight changes: no validation is better than the first.
STANDING_STILL = "--lr 1e-30 --updates-per-epoch 1 --no-epoch-checkpoints"


@pytest.fixture
def train(toy_store: Path, tmp_path: Path, tiny: list[str]) -> Train:
    """Train until --max-update or until it stops by itself; returns what checkpoint_last.pt holds then."""

    def run(arguments: str, folder: str = "checkpoints") -> dict[str, Any]:
        parser = options.get_training_parser()
        given = [str(toy_store), *tiny, "--valid-directions", "en-de", "--save-dir", str(tmp_path / folder)]
        args = options.parse_args_and_arch(parser, [*given, *arguments.split()])
        fairseq_train.main(convert_namespace_to_omegaconf(args))
        return load_plain(tmp_path / folder / "checkpoint_last.pt")

    return run


def updates(state: dict[str, Any]) -> int:
    return int(state["optimizer_history"][-1]["num_updates"])


def test_patience_goes_on(train: Train) -> None:
    """Stopped after two validations in vain, it stops at the third."""
    stopped = train(f"{STANDING_STILL} --patience 3 --max-update 3")
    assert updates(stopped) == 3
    assert updates(train(f"{STANDING_STILL} --patience 3 --max-update 20")) == 4


@pytest.mark.slow
def test_patience_goes_on_after_a_kill(toy_store: Path, tmp_path: Path, tiny: list[str], run_command) -> None:
    """Wherever it is killed, six validations in vain after the first end it."""
    command = ["fairseq-train", toy_store, *tiny, *STANDING_STILL.split(), "--patience", 6, "--save-dir", tmp_path]
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("fairseq-train")), *map(str, command[1:])],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (tmp_path / "checkpoint_last.pt").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert updates(load_plain(tmp_path / "checkpoint_last.pt")) < 7
    result = run_command(*command)
    assert result.returncode == 0, result.stderr
    assert "early stop since valid performance hasn't improved for last 6 runs" in result.stdout + result.stderr
    assert updates(load_plain(tmp_path / "checkpoint_last.pt")) == 7


@pytest.mark.slow
def test_patience_starts_anew_when_the_meters_do(train: Train) -> None:
    train(f"{STANDING_STILL} --patience 3 --max-update 3")
    assert updates(train(f"{STANDING_STILL} --patience 3 --max-update 20 --reset-meters")) == 7


@pytest.mark.slow
def test_the_best_of_another_metric_is_not_compared_with(train: Train, tmp_path: Path) -> None:
    """A perplexity is far above a loss: none would ever be better."""
    by_loss = train(f"{STANDING_STILL} --patience 9 --max-update 2")["extra_state"]
    by_ppl = train(f"{STANDING_STILL} --patience 9 --max-update 3 --best-checkpoint-metric ppl")["extra_state"]
    assert by_ppl["best"] == by_ppl["val_loss"] > 5 * by_loss["best"]
    assert by_ppl["validation_history"] == {"metric": "ppl", "maximize": False, "best": by_ppl["best"], "num_runs": 0}
    assert updates(load_plain(tmp_path / "checkpoints" / "checkpoint_best.pt")) == 3


def test_a_training_knows_nothing_of_the_one_before_it_in_the_process(train: Train) -> None:
    train(f"{STANDING_STILL} --patience 2 --max-update 2", "one")
    checkpoint_utils.save_checkpoint.best = 0.1
    second = train(f"{STANDING_STILL} --patience 2 --max-update 2", "other")
    assert updates(second) == 2 and second["extra_state"]["best"] > 1


@pytest.mark.slow
def test_a_rate_that_follows_validation(train: Train) -> None:
    """Stopped at the ends of epochs, it has the rates of the training that was not stopped."""
    schedule = (
        "--lr-scheduler reduce_lr_on_plateau --lr-patience 1 --lr-threshold 10 --warmup-updates 0 "  # never better
        "--updates-per-epoch 1 --no-epoch-checkpoints"
    )

    def rate(state: dict[str, Any]) -> float:
        (group,) = state["last_optimizer_state"]["param_groups"]
        return float(group["lr"])

    whole = rate(train(f"{schedule} --max-update 6", "whole"))
    for stop in (2, 3):
        train(f"{schedule} --max-update {stop}", "stopped")
    assert rate(train(f"{schedule} --max-update 6", "stopped")) == whole < 5e-3


@pytest.mark.slow
def test_a_training_from_another_model_has_its_own_hours(train: Train, tmp_path: Path) -> None:
    state = train("--max-update 1", "first")
    state["extra_state"]["previous_training_time"] = 100 * 3600
    torch.save(state, tmp_path / "old.pt")
    limits = f"--finetune-from-model {tmp_path / 'old.pt'} --stop-time-hours 50"
    assert updates(train(f"{limits} --max-update 2", "second")) == 2


@pytest.mark.slow
def test_checkpoints_before_there_was_a_history_go_on(train: Train, tmp_path: Path, monkeypatch) -> None:
    with monkeypatch.context() as before:
        before.delattr(trainer.Trainer, "save_checkpoint")
        state = train(f"{STANDING_STILL} --max-update 1")
    assert "validation_history" not in state["extra_state"]
    assert train(f"{STANDING_STILL} --max-update 2")["extra_state"]["best"] == state["extra_state"]["best"]
