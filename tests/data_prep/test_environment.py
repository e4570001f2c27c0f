"""Home folders and variables in paths."""

from __future__ import annotations

import os
import pwd

import pytest

from data_prep.environment import expand


def test_home_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/folder/of/me")
    monkeypatch.setenv("DATA", "/data")
    assert expand("~/a.en") == "/folder/of/me/a.en"
    assert expand("~") == "/folder/of/me"
    assert expand("~/${DATA}") == "/folder/of/me//data"
    user = pwd.getpwuid(os.getuid())
    assert expand(f"~{user.pw_name}/a") == f"{user.pw_dir}/a"
    for literal in ("./~/a", "a~", "a/~/b"):
        assert expand(literal) == literal


def test_nobody_s_home_folder() -> None:
    with pytest.raises(ValueError, match=r"^~no-such-user is no user's home folder; write .* or \./~no-such-user"):
        expand("~no-such-user/a")
