"""The record of a training's starts: what each was made with, in one file beside the checkpoints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from mtdeep.corpus import Store
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.run_record import NAME
from mtdeep.fairseq_plugin.trainer import Trainer


def starts(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((folder / NAME).read_text())["starts"]
    return found


def test_each_start_is_recorded(train, trainer, save_training, samples, toy_store: Path, tmp_path: Path) -> None:
    made = train(samples[:3], "--seed", "7")
    made.load_checkpoint("none.pt")
    save_training(made, tmp_path / "checkpoint_last.pt")
    trainer("--seed", "7", "--lr", "1e-3").load_checkpoint(str(tmp_path / "checkpoint_last.pt"))
    first, second = starts(tmp_path)
    assert (first["goes_on_from"], first["updates"]) == (None, 3)
    assert (second["goes_on_from"], second["updates"]) == (str(tmp_path / "checkpoint_last.pt"), 3)
    assert first["command"] == sys.argv
    assert (first["processes"], first["device"]) == (1, "cpu")
    assert first["parameters"] == sum(parameter.numel() for parameter in made.get_model().parameters())
    assert first["versions"]["torch"] == torch.__version__ and first["versions"]["mtdeep"] == version("mtdeep")
    assert first["data"] == {"path": str(toy_store), "digest": Store(toy_store).digest}
    assert first["configuration"]["common"]["seed"] == 7
    assert [start["configuration"]["optimization"]["lr"] for start in (first, second)] == [[5e-3], [1e-3]]
    assert first["configuration"]["model"]["encoder_layers"] == 2


def test_the_revision_of_the_folder_and_whether_it_has_changes(
    trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))

    def git(*words: str) -> str:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(["git", *author, *words], check=True, capture_output=True, text=True).stdout.strip()

    trainer().load_checkpoint("none.pt")
    git("init")
    Path("file").write_text("one")
    git("add", "file")
    git("commit", "-m", "one")
    trainer().load_checkpoint("none.pt")
    Path("file").write_text("two")
    trainer().load_checkpoint("none.pt")
    revision = git("rev-parse", "HEAD")
    assert [start["git"] for start in starts(tmp_path)] == [
        None,
        {"revision": revision, "has_changes": False},
        {"revision": revision, "has_changes": True},
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"starts": 3}', "another program's"])
def test_what_another_program_has_there_stays(text: str, trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(text)
    trainer().load_checkpoint("none.pt")
    assert (tmp_path / NAME).read_text() == text


def test_a_training_that_saves_nothing_leaves_none(trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    trainer("--no-save").load_checkpoint("none.pt")
    assert not (tmp_path / NAME).exists()


def test_a_full_disk_is_one_sentence(trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch) -> None:
    def full(path: Path, write: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("mtdeep.fairseq_plugin.run_record.write_atomically", full)
    with pytest.raises(UserError, match=r"run\.json.*No space left on device"):
        trainer().load_checkpoint("none.pt")
