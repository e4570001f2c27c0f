"""What a log says of long work."""

from __future__ import annotations

import re
import time

import pytest

from mtdeep import progress
from mtdeep.progress import SECONDS_BETWEEN_LINES, SECONDS_OF_A_STAGE, ProgressReport


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Standard error without the seconds in front of each line."""
    found = capsys.readouterr().err.splitlines()
    assert all(re.match(r"\[ *[0-9.]+ s\] ", line) for line in found)
    return [line.split("] ", 1)[1] for line in found]


def test_a_short_run_has_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressReport() as report:
        for stage in range(40):
            report.stage(f"stage {stage}", 3)
            report.advance(3)
        for done in range(1, 1001):
            report.show("translating from en", done, 1000)
    assert lines(capsys) == []


def test_a_long_stage_has_a_line_one_each_ten_seconds_and_one_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    report = ProgressReport(clock)
    report.stage("reading", 100)
    for second in range(25):
        report.tell()
        clock.now += 1
        report.at(second + 1)
    report.at(100)
    assert SECONDS_OF_A_STAGE == 2 and SECONDS_BETWEEN_LINES == 10
    assert lines(capsys) == ["reading: 2 of 100", "reading: 12 of 100", "reading: 22 of 100", "reading: 100 of 100"]


def test_a_stage_of_one_silent_step_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    report = ProgressReport(clock)
    report.stage("training a vocabulary")
    clock.now += 3
    report.tell()
    clock.now += 10
    report.tell()
    report.at(5)
    assert lines(capsys) == ["training a vocabulary ...", "training a vocabulary ..."]


def test_of_many_short_stages_few_have_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    report = ProgressReport(clock)
    for stage in range(20):
        report.stage(f"stage {stage}", 3)
        clock.now += 0.5
        report.tell()
        report.at(3)
    assert lines(capsys) == [f"stage {number}: 3 of 3" for number in (3, 7, 11, 15, 19)]


def test_the_last_line_says_how_far_a_long_run_came(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with ProgressReport(clock) as report:
        for done in range(1, 8):
            clock.now += 0.5
            report.show(f"{done} of 7 trainings", done, 7)
            report.tell()
    assert lines(capsys)[-1] == "7 of 7 trainings: 7 of 7"


def test_the_lines_of_work_that_says_nothing_come_by_themselves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_OF_A_STAGE", 0.05)
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LOOKS", 0.01)
    with ProgressReport() as report:
        report.stage("training a vocabulary", 1)
        time.sleep(0.3)
    assert lines(capsys) == ["training a vocabulary ..."]


def test_bars_of_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    clock = Clock()
    with ProgressReport(clock) as report:
        report.show("translating from en", 10, 40)
        clock.now += 3
        report.stage("scoring", 2)
        report.advance(2)
        report.stage("writing", 1)
    shown = capsys.readouterr().err.rsplit("\x1b[2K", 1)[-1]  # what stays when the bars were drawn for the last time
    assert "translating from en" in shown and "10/40" in shown
    assert "scoring" not in shown and "writing" not in shown
