"""Results that are kept: back from the file as they were, taken from trainings that are over, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path

from control import Control
from controlled import line
from results import Result, finished, read_results, write_results

RUNS = line("some", Control(), 20, seeds=(1, 2, 3)).runs


def test_back_as_they_were(tmp_path: Path) -> None:
    results = {
        "b": Result({20: {"spread": 0.9}, 40: {"loss": 1 / 3, "gap": 1e-9, "spread": 0.5}}, None, ["a machine", "two"]),
        "a": Result({}, "FloatingPointError: loss", ["a machine"]),
    }
    path = tmp_path / "made" / "some.json"
    assert read_results(path) == {}
    write_results(path, results)
    assert read_results(path) == results
    assert [row[:3] for row in path.read_text().splitlines()[1:-1]] == ['"a"', '"b"']  # a line each, in order


def test_of_the_trainings_that_are_over(tmp_path: Path) -> None:
    """One came to its end, one was not finite, one still goes on."""
    for run, stopped in zip(RUNS, (None, "FloatingPointError: loss", "going on"), strict=True):
        place = tmp_path / run.name
        place.mkdir()
        looks = [{"num_updates": "10", "nll_loss": "7"}, {"valid_num_updates": "20", "valid_loss": "6.5"}]
        rows = [json.dumps({"epoch": 1, **look}) for look in (looks if stopped is None else looks[:1])]
        (place / "training.log").write_text("\n".join(rows) + "\n")
        (place / "made_with.json").write_text('["a machine"]')
        if stopped != "going on":
            (place / "finished.json").write_text(json.dumps({"stopped": stopped}))
    first, second, _ = (run.name for run in RUNS)
    results = finished(RUNS, tmp_path)
    assert results == {
        first: Result({20: {"loss": 6.5}}, None, ["a machine"]),
        second: Result({}, "FloatingPointError: loss", ["a machine"]),
    }
    assert [results[name].at_end(20) for name in (first, second)] == [{"loss": 6.5}, None]
