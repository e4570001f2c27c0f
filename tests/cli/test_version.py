"""`mtdeep --version`: one line for a report."""

from __future__ import annotations

import platform
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from mtdeep import __version__
from mtdeep.cli import version as versions
from mtdeep.cli.main import app


def test_one_line_names_all_that_a_report_needs() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    torch, fairseq = version("torch"), version("fairseq")
    python = platform.python_version()
    assert done.stdout == f"mtdeep {__version__} (Python {python}, torch {torch}, fairseq {fairseq})\n"


def test_without_fairseq_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version_of", lambda package: None if package == "fairseq" else "1.0")
    done = CliRunner().invoke(app, ["--version", "no-verb"])
    assert done.exit_code == 0
    assert "torch 1.0, fairseq not installed)" in done.stdout


def test_without_the_option_nothing_is_printed_of_versions() -> None:
    done = CliRunner().invoke(app, ["store", "--help"])
    assert done.exit_code == 0 and "torch" not in done.stdout


@pytest.mark.slow
def test_the_module_is_the_command(run_command) -> None:
    done, command = run_command("python", "-m", "mtdeep", "--version"), run_command("mtdeep", "--version")
    assert (done.returncode, done.stdout) == (0, command.stdout)
    wrong = run_command("python", "-m", "mtdeep", "store", "info", "nowhere")
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: nowhere")
