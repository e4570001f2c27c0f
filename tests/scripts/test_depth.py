"""The page of depth.py, of results that are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import depth
import pytest
from control import Control
from controlled import Group, line
from controlled_report import write_report
from depth import Best, Name, best
from matplotlib.image import imread
from results import Result

UPDATES = 300
DEEPNET, SLOWER = Name("DeepNet", slower=False), Name("DeepNet", slower=True)
GROUP = Group(
    "Two rates, two seeds.",
    [line(f"DeepNet, {rate:g}", Control(rate=rate), UPDATES, seeds=(1, 2)) for rate in (1e-3, 2e-3)]
    + [line(f"DeepNet, {depth.SLOWER}, 0.001", Control(rate=1e-3, encoder=0.5), UPDATES)],
)


@pytest.fixture
def results() -> dict[str, Result]:
    """Of 1e-3 both seeds, of 2e-3 too; the second seed of 1e-3 is the lowest of all, and proves nothing."""
    runs = [run for each in GROUP.lines[:2] for run in each.runs]
    return {
        run.name: Result({UPDATES: {"loss": loss, "gap": 0.5, "spread": 0.9}}, None, ["a machine"])
        for run, loss in zip(runs, (6.0, 4.0, 5.0, 7.0), strict=True)
    }


def stopped(results: dict[str, Result], number: int) -> None:
    """Let the first seed of a line have ended as not finite."""
    name = GROUP.lines[number].runs[0].name
    results[name] = replace(results[name], curve={}, stopped="FloatingPointError: loss")


def test_the_rate_is_chosen_by_the_first_seed(results: dict[str, Result]) -> None:
    chosen = best(GROUP, DEEPNET, results)
    assert isinstance(chosen, Best)
    assert (chosen.rate, [end["loss"] for end in chosen.ends]) == ("0.002", [5.0, 7.0])


def test_what_is_not_trained_has_an_empty_cell(results: dict[str, Result]) -> None:
    assert best(GROUP, SLOWER, results) is None
    rows = depth.summary({"18-18": GROUP}, results)
    assert "| DeepNet | full rate | 5.00 / 0.50; 7.00 / 0.50 (0.002) |" in rows
    assert "| DeepNet | times the factor |  |" in rows


def test_one_whose_trials_are_not_all_there_is_compared_with_none(results: dict[str, Result]) -> None:
    """The others' best is of all rates."""
    for run in GROUP.lines[0].runs:
        del results[run.name]
    assert best(GROUP, DEEPNET, results) is None


def test_one_that_is_not_finite_is_never_the_best(results: dict[str, Result], tmp_path: Path) -> None:
    stopped(results, 1)
    chosen = best(GROUP, DEEPNET, results)
    assert chosen is not None and chosen.rate == "0.001"
    stopped(results, 0)
    assert "| DeepNet | full rate | not finite; 4.00 / 0.50 (0.001) |" in depth.summary({"18-18": GROUP}, results)
    depth.draw({"18-18": GROUP}, results, tmp_path / "depth.png")


def test_the_picture(results: dict[str, Result], tmp_path: Path) -> None:
    depth.draw({"18-18": GROUP}, results, tmp_path / "depth.png")
    assert imread(tmp_path / "depth.png").std() > 0


def test_the_page_names_what_is_not_trained(results: dict[str, Result], tmp_path: Path) -> None:
    """Rates of which one seed is missing have a row, and say how many seeds they have."""
    del results[GROUP.lines[1].runs[1].name]
    write_report(tmp_path / "depth.md", depth.PAGE, {"18-18": GROUP}, results)
    page = (tmp_path / "depth.md").read_text()
    assert "| DeepNet, 0.001 | 2 | 5.00 (4.00 to 6.00) | 0.50 | 0.90 |" in page
    assert "| DeepNet, 0.002 | 1 | 5.00 | 0.50 | 0.90 |" in page
    assert f"\n\nNot trained yet: DeepNet, {depth.SLOWER}, 0.001.\n\n- Trained with a machine.\n" in page
