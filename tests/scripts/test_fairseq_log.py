"""fairseq's JSON log, as it is after two runs of one training: curves, seconds, the last update."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from fairseq_log import TrainingPoint, last_update, training_curve, training_seconds, validation_curve


def train(updates: int, nll: str, gnorm: str, wall: int) -> str:
    entry = {"epoch": 1, "loss": "9", "nll_loss": nll, "num_updates": str(updates), "gnorm": gnorm, "wall": str(wall)}
    return f"2026-01-02 | INFO | train_inner | {json.dumps(entry)}"


def valid(updates: int, nll: str) -> str:
    entry = {"epoch": 1, "valid_loss": "9", "valid_nll_loss": nll, "valid_num_updates": str(updates)}
    return f"2026-01-02 | INFO | valid | {json.dumps(entry)}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Killed after update 30, 31 seconds on; gone on from the checkpoint of update 20, its clock at 0 again."""
    first = [train(10, "8.5", "2", 11), train(20, "7.5", "1.5", 21), valid(20, "7.4"), train(30, "7", "1", 31)]
    second = [train(30, "7", "1", 12), train(40, "nan", "inf", 22), valid(40, "nan")]
    lines = ["2026-01-02 | INFO | fairseq_cli.train | {'_name': None, 'num_updates': 99}"]
    for line in first + second:
        lines += [line, line.partition("| INFO | ")[2], "# a line of another kind"]
    path = tmp_path / "training.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_each_point_stands_once_and_by_its_updates(log: Path) -> None:
    points = training_curve(log)
    assert points[:3] == [TrainingPoint(10, 8.5, 2), TrainingPoint(20, 7.5, 1.5), TrainingPoint(30, 7, 1)]
    assert len(points) == 4
    assert points[3].updates == 40
    assert math.isnan(points[3].nll_loss)
    assert math.isinf(points[3].gradient_norm)


def test_seconds_count_both_runs(log: Path) -> None:
    curve = validation_curve(log)
    assert [(seconds, updates) for seconds, updates, _ in curve] == [(21, 20), (31 + 22, 40)]
    assert curve[0][2] == 7.4
    assert math.isnan(curve[1][2])
    assert training_seconds(log) == 31 + 22


def test_the_last_update_is_found_in_the_end_of_a_long_log(log: Path) -> None:
    assert last_update(log) == 40
    with log.open("a", encoding="utf-8") as file:
        file.write("x" * 7000 + "\n")
    assert last_update(log) == 40


def test_before_the_first_line_there_is_no_update(tmp_path: Path) -> None:
    assert last_update(tmp_path / "training.log") == 0
    (tmp_path / "training.log").touch()
    assert last_update(tmp_path / "training.log") == 0
    assert training_seconds(tmp_path / "training.log") == 0
