"""Every reproduction of several trainings in its --quick size, as one command; its report, and a second run."""

from __future__ import annotations

import re
from pathlib import Path
from shutil import rmtree

import pytest
from laws import LAWS
from matplotlib.image import imread


@pytest.mark.slow
@pytest.mark.parametrize(("script", "trainings"), [("warm_up", 6), ("learning_rates", 5), ("shortcuts", 11)])
def test_quick(script: str, trainings: int, reproduce: Path, tmp_path: Path, run_command) -> None:
    command = ("python", reproduce / f"{script}.py", "--quick", "--folder", tmp_path)
    first = run_command(*command)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"{trainings} of {trainings} trainings done" in first.stderr
    report = (tmp_path / f"{script}.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^fairseq-train STORE .*--save-dir RUN/", report, re.M)) == trainings
    lines = re.findall(r"^\| \S+ \| 10 \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", report, re.M)
    assert len(lines) == trainings
    # log2 of 605 symbols is 9.2: what a model begins with, and a little more for what it believes in wrongly.
    assert all(3 < float(value) < 20 for line in lines for value in line)
    assert imread(tmp_path / f"{script}.png").std() > 0
    second = run_command(*command)
    assert second.returncode == 0, second.stderr
    assert "at 0/10" not in second.stderr
    assert (tmp_path / f"{script}.md").read_text(encoding="utf-8") == report


@pytest.mark.slow
@pytest.mark.parametrize(("script", "trainings"), [("rates", 4), ("depth", 2), ("transfer", 2)])
def test_quick_controls(script: str, trainings: int, reproduce: Path, tmp_path: Path, run_command) -> None:
    """A control is trained, goes on where it was killed, and is not trained again; what is not finished says so."""
    command = ("python", reproduce / f"{script}.py", "--quick", "--folder", tmp_path)
    first = run_command(*command)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"{trainings} of {trainings} trainings done" in first.stderr
    report = (tmp_path / f"{script}.md").read_text(encoding="utf-8")
    losses = re.findall(r"^\| .* \| [12] \| ([\d.]+).* \| [-\d.e]+.* \| ([\d.]+).* \|", report, re.M)
    assert len(losses) == 2
    # log2 of 605 symbols is 9.2: what a model begins with, and a little more for what it believes in wrongly.
    assert all(3 < float(loss) < 20 and 0 < float(spread) < 2 for loss, spread in losses)
    second = run_command(*command)
    assert second.returncode == 0, second.stderr
    assert "at 0/" not in second.stderr
    assert (tmp_path / f"{script}.md").read_text(encoding="utf-8") == report
    for training in tmp_path.glob("*/finished.json"):  # as on another machine: the results alone are there
        rmtree(training.parent)
    third = run_command(*command, "--missing")
    assert third.returncode == 0, third.stderr
    assert not list(tmp_path.glob("*/finished.json"))
    assert (tmp_path / f"{script}.md").read_text(encoding="utf-8") == report


def test_controls_that_are_not_there(reproduce: Path, tmp_path: Path, run_command) -> None:
    result = run_command("python", reproduce / "rates.py", tmp_path, "--groups", "cause,effect")
    assert result.returncode == 2
    assert "--groups: no effect; there are cause, ratio-18, " in result.stderr


def test_data_or_quick(reproduce: Path, tmp_path: Path, run_command) -> None:
    result = run_command("python", reproduce / "depth.py", "--folder", tmp_path)
    assert result.returncode == 2
    assert "give either DATA or --quick" in result.stderr


@pytest.mark.slow
def test_quick_probe_thresholds(reproduce: Path, tmp_path: Path, run_command) -> None:
    """A model that trains and one that cannot; a second run measures nothing again."""
    command = ("python", reproduce / "probe_thresholds.py", tmp_path, "--quick")
    first = run_command(*command)
    assert first.returncode == 0, first.stderr
    report = (tmp_path / "probe_thresholds.md").read_text(encoding="utf-8")
    (good, bad) = (line.split(" | ") for line in report.splitlines() if ", seed 1 |" in line)
    assert [good[10], bad[10]] == ["trains", "will not train"]
    assert [good[14], bad[14]] == ["trains |", "not by then |"]
    assert float(good[1]) > 0.1 > 1e-3 > float(bad[1])
    assert re.search(r"took \d+\.\d minutes.*\n- Made with \d+ cores, .*; Python .*, torch .*, mtdeep ", report)
    second = run_command(*command)
    assert second.returncode == 0 and second.stderr == ""
    assert (tmp_path / "probe_thresholds.md").read_text(encoding="utf-8") == report


@pytest.mark.slow
def test_quick_scaling_laws(reproduce: Path, tmp_path: Path, run_command) -> None:
    """The report has an exponent for each law; a second run measures nothing again."""
    command = ("python", reproduce / "scaling_laws.py", tmp_path, "--quick")
    result = run_command(*command)
    assert result.returncode == 0, result.stderr
    report = (tmp_path / "scaling_laws.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* \| (-?\d\.\d\d) \| .* to .* \| (-?\d\.\d\d) \| (yes|no) \| ", report, re.M)
    assert len(rows) == len(LAWS)
    assert all(-2 < float(fitted) < 3 for fitted, _, _ in rows)
    assert imread(tmp_path / "scaling_laws.png").std() > 0
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert len(kept) == len(LAWS) * 3 + 2
    assert run_command(*command).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")} == kept
