"""The command line as a whole: arguments that a shell would have changed, run without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mtdeep.cli.main import run


@pytest.mark.parametrize("arguments", [["store", "info", "~/store"], ["leak-check", "x", "--json=~/store/a.json"]])
def test_a_home_folder_is_understood_where_no_shell_was(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["mtdeep", *arguments])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    assert str(tmp_path / "store") in capsys.readouterr().err
