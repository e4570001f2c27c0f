"""Damaged and hostile input given to the installed command: one sentence that names the file, and nothing written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mtdeep.cli.store import store as store_verbs
from mtdeep.errors import UserError


class Hostile:
    """Runs a command when it is unpickled without care."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.victim}",)


def other_version(store: Path) -> Path:
    manifest = store / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_bytes()), "version": 2}))
    return manifest


def truncated(store: Path) -> Path:
    shard = next(store.glob("shards/*.bin"))
    os.truncate(shard, shard.stat().st_size - 10)
    return shard


def no_store(store: Path) -> Path:
    shutil.rmtree(store)
    store.mkdir()
    return store


def refused(done, path: Path, message: str) -> None:  # type: ignore[no-untyped-def]
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {path}") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (other_version, "store format version 2, this mtdeep reads version 1"),
        (truncated, "truncated, expected "),
        (no_store, "not a store"),
    ],
)
def test_store(
    run_command, store: Path, checkpoint: Path, tmp_path: Path, damage: Callable[[Path], Path], message: str
) -> None:
    bad = Path(shutil.copytree(store, tmp_path / "store"))
    path = damage(bad)
    given = ["--checkpoint", checkpoint, "--output", tmp_path / "out"]
    refused(run_command("mtdeep", "evaluate", bad, *given, cwd=tmp_path), path, message)
    for verb, *given in (("info",), ("export-fairseq", tmp_path / "out", "--directions", "en-de", "--splits", "test")):
        result = CliRunner().invoke(store_verbs, [verb, str(bad), *map(str, given)])
        assert isinstance(result.exception, UserError)
        assert str(result.exception).startswith(str(path)) and message in str(result.exception)
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def write_text(path: Path) -> None:
    path.write_text("no model\n" * 20)


def write_half(path: Path) -> None:
    torch.save({"model": {"a": torch.zeros(1000)}}, path)
    os.truncate(path, path.stat().st_size // 2)


def write_hostile(path: Path) -> None:
    torch.save({"model": {"a": torch.zeros(1)}, "cfg": {"model": Hostile(path.with_name("victim"))}}, path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_text, "not a checkpoint"),
        (write_half, "not a checkpoint, or cut short"),
        (write_hostile, "which were not loaded"),
    ],
)
def test_checkpoint(run_command, store: Path, tmp_path: Path, write: Callable[[Path], None], message: str) -> None:
    bad = tmp_path / "bad.pt"
    write(bad)
    given = ["--checkpoint", bad, "--output", tmp_path / "out"]
    refused(run_command("mtdeep", "evaluate", store, *given, cwd=tmp_path), bad, message)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.pt"]
