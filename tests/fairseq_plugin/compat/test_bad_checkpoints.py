"""A bad checkpoint ends a fairseq command with one sentence and code 2, and nothing in it is run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from mtdeep.errors import UserError


class Evil:
    """Unpickled without care, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def bad_file(kind: str, folder: Path, good: Path) -> Path:
    path = folder / f"{kind}.pt"
    if kind == "code":
        torch.save({"args": None, "cfg": {}, "model": Evil(folder / "was_run")}, path)
    elif kind == "text":
        path.write_text("hello world\n")
    elif kind == "half":
        path.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    elif kind == "empty":
        path.touch()
    elif kind == "list":
        torch.save([1, 2], path)
    return path


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("code", "carries code or objects (posix.mkdir), which were not loaded"),
        ("text", "not a checkpoint, or cut short"),
        ("half", "not a checkpoint, or cut short"),
        ("empty", "not a checkpoint, or cut short"),
        ("list", "no fairseq checkpoint but a list"),
    ],
)
def test_one_sentence_names_the_file(trained: Path, tmp_path: Path, kind: str, says: str) -> None:
    from fairseq import checkpoint_utils

    path = bad_file(kind, tmp_path, trained / "checkpoint_last.pt")
    with pytest.raises(UserError) as complaint:
        checkpoint_utils.load_checkpoint_to_cpu(str(path))
    assert str(complaint.value).startswith(str(path)) and says in str(complaint.value)
    assert not (tmp_path / "was_run").exists()


def test_generate_refuses_code(run_command, databin: Path, tmp_path: Path) -> None:
    path = bad_file("code", tmp_path, tmp_path)
    done = run_command("fairseq-generate", databin, "--path", path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: {path}: carries code or objects (posix.mkdir)")
    assert not (tmp_path / "was_run").exists()


def test_train_refuses_to_start_from_code(run_command, databin: Path, tmp_path: Path) -> None:
    path = bad_file("code", tmp_path, tmp_path)
    done = run_command(
        *("fairseq-train", databin, "--arch", "transformer_iwslt_de_en", "--optimizer", "adam", "--max-tokens", "200"),
        *("--restore-file", path, "--save-dir", tmp_path / "new"),
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: {path}: carries code or objects (posix.mkdir)")
    assert not (tmp_path / "was_run").exists()


def test_a_problem_elsewhere_keeps_its_traceback(trained: Path) -> None:
    from fairseq import checkpoint_utils

    with pytest.raises(TypeError):
        checkpoint_utils.load_checkpoint_to_cpu(str(trained / "checkpoint_last.pt"), arg_overrides=5)
