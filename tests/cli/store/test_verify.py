"""`mtdeep store verify`: a line when all is well, else one for each damage and exit code 1."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mtdeep.errors import UserError


def test_all_is_well(store: Path, run) -> None:
    done = run("verify", store)
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.startswith(f"{store}: OK, 3 files of ")
    assert "465 sentences in 2 corpora" in done.stdout  # 15 rows, and thirty times that


def test_damages(store: Path, tmp_path: Path, run) -> None:
    """Every one of them, on standard output; what no manifest names is told and is no damage."""
    bad = Path(shutil.copytree(store, tmp_path / "store"))
    (bad / "shards" / "000007.bin").write_bytes(b"half")
    assert run("verify", bad).exit_code == 0
    (bad / "sentencepiece.model").unlink()
    with (bad / "shards" / "000000.bin").open("ab") as file:
        file.write(b"x")
    done = run("verify", bad)
    lines = done.stdout.splitlines()
    assert done.exit_code == 1
    assert lines[0].startswith(f"wrong: {bad}/sentencepiece.model: missing")
    assert lines[1].startswith(f"wrong: {bad}/shards/000000.bin: longer than it was written")
    assert lines[2].startswith(f"{bad}/shards/000007.bin: no part of the store")
    assert len(lines) == 3


def test_what_is_no_store(tmp_path: Path, run) -> None:
    with pytest.raises(UserError, match="not a store"):
        run("verify", tmp_path)
