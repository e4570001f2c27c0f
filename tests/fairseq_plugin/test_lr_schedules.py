"""The learning rate at every update against closed forms, against fairseq's inverse_sqrt, and through the commands."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from fairseq.optim.adam import FairseqAdamConfig
from fairseq.optim.lr_scheduler.inverse_square_root_schedule import (
    InverseSquareRootLRScheduleConfig,
    InverseSquareRootSchedule,
)
from omegaconf import OmegaConf

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.lr_schedules import Piecewise, PiecewiseConfig
from mtdeep.fairseq_plugin.optimizers import TorchAdam

PEAK = 0.02


def optimizer() -> TorchAdam:
    cfg = OmegaConf.structured(FairseqAdamConfig(lr=[PEAK], tpu=False, adam_betas="(0.9, 0.98)"))
    return TorchAdam(cfg, [torch.nn.Parameter(torch.zeros(1))])


def schedule(**options: object) -> Piecewise:
    return Piecewise(PiecewiseConfig(**{"lr": [PEAK], **options}), optimizer())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [PEAK] * 6),
        ({"warmup_updates": 4}, [0, PEAK / 4, PEAK / 2, PEAK * 3 / 4, PEAK, PEAK]),
        # A quarter of the way from 0.01 to 0.02 at each update.
        ({"warmup_updates": 4, "warmup_init_lr": 0.01}, [0.01, 0.0125, 0.015, 0.0175, PEAK, PEAK]),
        ({"after": "drop", "turn_at": [3]}, [PEAK, PEAK, PEAK, PEAK / 10, PEAK / 10, PEAK / 10]),
        ({"after": "drop", "turn_at": [2, 4], "drop_factor": 0.5},
         [PEAK, PEAK, PEAK / 2, PEAK / 2, PEAK / 4, PEAK / 4]),
        ({"after": "inverse_sqrt", "turn_at": [2]},
         [PEAK, PEAK, PEAK, PEAK * math.sqrt(2 / 3), PEAK * math.sqrt(1 / 2), PEAK * math.sqrt(2 / 5)]),
        ({"after": "inverse_sqrt", "turn_at": [4], "warmup_updates": 2},
         [0, PEAK / 2, PEAK, PEAK, PEAK, PEAK * math.sqrt(4 / 5)]),
    ],
)  # fmt: skip
def test_the_rate_after_each_update(options: dict[str, object], expected: Sequence[float]) -> None:
    scheduler = schedule(**options)
    assert scheduler.optimizer.get_lr() == pytest.approx(expected[0]), "the first update's rate is set at the start"
    rates = []
    for updates in range(len(expected)):
        scheduler.step_update(updates)
        rates.append(scheduler.optimizer.get_lr())
    assert rates == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("start", [None, 0.001])
def test_with_a_warm_up_it_can_be_fairseqs_inverse_square_root(start: float | None) -> None:
    ours = schedule(warmup_updates=5, warmup_init_lr=start, after="inverse_sqrt", turn_at=[5])
    fairseqs_start = -1 if start is None else start  # fairseq's sign for "from 0"
    cfg = InverseSquareRootLRScheduleConfig(warmup_updates=5, warmup_init_lr=fairseqs_start, lr=[PEAK])
    theirs = InverseSquareRootSchedule(cfg, optimizer())
    for updates in range(40):
        assert ours.step_update(updates) == pytest.approx(theirs.step_update(updates), rel=1e-12), updates


def test_epochs_and_validation_change_nothing() -> None:
    scheduler = schedule(after="drop", turn_at=[2])
    scheduler.step_update(2)
    scheduler.step_begin_epoch(3)
    scheduler.step(2, 1.5)
    assert scheduler.optimizer.get_lr() == pytest.approx(PEAK / 10)


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        ({"lr": [1e-3, 1e-4]}, ["--lr has 2 values"]),
        ({"warmup_updates": -1}, ["--warmup-updates is -1"]),
        ({"warmup_init_lr": 1e-7}, ["--warmup-init-lr belongs to a warm-up"]),
        ({"warmup_updates": 2, "warmup_init_lr": -1.0}, ["--warmup-init-lr is -1, but must be at least 0"]),
        ({"turn_at": [3]}, ["--turn-at belongs to --after drop or inverse_sqrt"]),
        ({"after": "drop"}, ["--after drop needs --turn-at"]),
        ({"after": "inverse_sqrt", "turn_at": [2, 4]}, ["has one turn, but --turn-at names 2"]),
        ({"after": "inverse_sqrt", "turn_at": [0]}, ["--turn-at is 0, but must not come before update 1"]),
        ({"after": "drop", "turn_at": [3], "warmup_updates": 4}, ["--turn-at is 3, but must not come before update 4"]),
        ({"after": "drop", "turn_at": [4, 2]}, ["must rise"]),
        ({"after": "drop", "turn_at": [2, 2]}, ["must rise"]),
        ({"after": "drop", "turn_at": [2], "drop_factor": 1.0}, ["must lie between 0 and 1"]),
        ({"after": "inverse_sqrt", "turn_at": [2], "drop_factor": 0.1}, ["--drop-factor belongs to --after drop"]),
        ({"drop_factor": 2.0, "turn_at": [3], "lr": [1, 2]}, ["--lr has 2", "--turn-at belongs", "--drop-factor is 2"]),
    ],
)
def test_contradictions_are_told_in_one_message(options: dict[str, object], sentences: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        schedule(**options)
    for sentence in sentences:
        assert sentence in str(refused.value)


def logged_rates(log: str) -> dict[int, float]:
    lines = re.findall(r"\| train_inner \| (\{.*\})$", log, re.M)
    return {int(entry["num_updates"]): float(entry["lr"]) for entry in map(json.loads, lines)}


def test_a_training_follows_it_and_goes_on_with_it(toy_store: Path, tmp_path: Path, run_command, tiny) -> None:
    """Updates 1 to 3 in full, then sqrt(3 / updates); a run that stops at 5 and goes on has the same rates."""
    cut = tiny.index("--lr-scheduler")
    options = [*tiny[:cut], *tiny[cut + 4 :], "--log-format", "json", "--log-interval", "1"]
    assert "--warmup-updates" not in options
    options += ["--lr-scheduler", "piecewise", "--after", "inverse_sqrt", "--turn-at", "3", "--save-dir", str(tmp_path)]
    logs = []
    for updates in (5, 8):
        result = run_command("fairseq-train", toy_store, *options, "--max-update", updates)
        assert result.returncode == 0, result.stderr
        logs.append(logged_rates(result.stdout + result.stderr))
    expected = {updates: 5e-3 * math.sqrt(3 / max(3, updates)) for updates in range(1, 9)}
    assert list(logs[1]) == [6, 7, 8]
    assert {**logs[0], **logs[1]} == pytest.approx(expected, rel=1e-5)


def test_a_training_with_contradictory_options_ends_in_one_sentence(
    toy_store: Path, tmp_path: Path, run_command, tiny
) -> None:
    result = run_command(
        "fairseq-train", toy_store, *tiny, "--lr-scheduler", "piecewise", "--after", "drop", "--turn-at", "10",
        "--drop-factor", "3", "--save-dir", tmp_path,
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: --lr-scheduler piecewise: --turn-at is 10")  # the training warms up for 20
    assert "--drop-factor is 3" in last
