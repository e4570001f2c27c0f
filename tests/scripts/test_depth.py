"""The page of depth.py, from trainings whose ends are made up."""

from __future__ import annotations

import json
from pathlib import Path

import depth
import pytest
from control import Control
from controlled import Group, line
from depth import Best, Name, best
from matplotlib.image import imread

UPDATES = 300
DEEPNET, SLOWER = Name("DeepNet", slower=False), Name("DeepNet", slower=True)
GROUP = Group(
    "Two rates, two seeds.",
    [line(f"DeepNet, {rate:g}", Control(rate=rate), UPDATES, seeds=(1, 2)) for rate in (1e-3, 2e-3)]
    + [line(f"DeepNet, {depth.SLOWER}, 0.001", Control(rate=1e-3, encoder=0.5), UPDATES)],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of 1e-3 both seeds, of 2e-3 too; the second seed of 1e-3 is the lowest of all, and proves nothing."""
    losses = iter((6.0, 4.0, 5.0, 7.0))
    for run in (run for each in GROUP.lines[:2] for run in each.runs):
        place = tmp_path / run.name
        place.mkdir()
        figures = {"valid_loss": f"{next(losses)}", "valid_gap": "0.5", "valid_spread": "0.9"}
        entry = {"epoch": 1, "valid_num_updates": str(UPDATES), **figures}
        (place / "training.log").write_text(json.dumps(entry) + "\n")
        (place / "finished.json").write_text('{"stopped": null}')
    return tmp_path


def test_the_rate_is_chosen_by_the_first_seed(folder: Path) -> None:
    chosen = best(GROUP, DEEPNET, folder)
    assert isinstance(chosen, Best)
    assert (chosen.rate, [end["loss"] for end in chosen.ends]) == ("0.002", [5.0, 7.0])


def test_what_is_not_trained_has_an_empty_cell(folder: Path) -> None:
    assert best(GROUP, SLOWER, folder) is None
    rows = depth.summary({"18-18": GROUP}, folder)
    assert "| DeepNet | full rate | 5.00 / 0.50; 7.00 / 0.50 (0.002) |" in rows
    assert "| DeepNet | times the factor |  |" in rows


def test_one_that_is_not_finite_is_never_the_best(folder: Path) -> None:
    (folder / GROUP.lines[1].runs[0].name / "finished.json").write_text('{"stopped": "FloatingPointError: loss"}')
    chosen = best(GROUP, DEEPNET, folder)
    assert chosen is not None and chosen.rate == "0.001"
    (folder / GROUP.lines[0].runs[0].name / "finished.json").write_text('{"stopped": "FloatingPointError: loss"}')
    assert "| DeepNet | full rate | not finite; 4.00 / 0.50 (0.001) |" in depth.summary({"18-18": GROUP}, folder)
    depth.draw({"18-18": GROUP}, folder, folder / "depth.png")


def test_the_picture(folder: Path) -> None:
    depth.draw({"18-18": GROUP}, folder, folder / "depth.png")
    assert imread(folder / "depth.png").std() > 0
