"""What a log says of long work."""

from __future__ import annotations

import re

import pytest

from mtdeep.progress import ProgressReport


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Standard error without the seconds in front of each line."""
    found = capsys.readouterr().err.splitlines()
    assert all(re.match(r"\[ *[0-9.]+ s\] ", line) for line in found)
    return [line.split("] ", 1)[1] for line in found]


def test_a_log_has_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressReport() as report:
        for done in range(1, 1001):
            report.show("translating from en", done, 1000)
        report.show("scoring", 1, 2)
        report.show("scoring", 2, 2)
    assert lines(capsys) == ["translating from en: 1,000 of 1,000", "scoring: 2 of 2"]


def test_stages(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressReport() as report:
        report.stage("reading", 3)
        for _ in range(3):
            report.advance()
        report.stage("training a vocabulary")
        report.at(5)
    assert lines(capsys) == ["reading ...", "reading: 3 of 3", "training a vocabulary ..."]


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 4))  # four seconds pass with every look
    monkeypatch.setattr("mtdeep.progress.time.monotonic", lambda: float(next(clock)))
    with ProgressReport() as report:
        for done in range(6):
            report.show("counting", done, 0)
    assert 1 <= len(lines(capsys)) <= 3


def test_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with ProgressReport() as report:
        report.show("translating from en", 10, 40)
        report.stage("scoring", 2)
        report.advance(2)
    shown = capsys.readouterr().err
    assert "translating from en" in shown and "10/40" in shown
    assert "scoring" in shown and "2/2" in shown
