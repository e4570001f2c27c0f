"""Which files of a training's folder are whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint import load_plain
from mtdeep.checkpoint.folder import latest, newest_intact, whole_checkpoints
from mtdeep.errors import UserError


def saved(path: Path, updates: int) -> Path:
    torch.save({"model": {"x": torch.ones(1000)}, "optimizer_history": [{"num_updates": updates}]}, path)
    return path


def test_whole_ones_by_their_updates(tmp_path: Path) -> None:
    later, earlier = saved(tmp_path / "checkpoint1.pt", 1200), saved(tmp_path / "checkpoint_best.pt", 30)
    cut = saved(tmp_path / "checkpoint_last.pt", 2000)
    cut.write_bytes(cut.read_bytes()[:-100])
    torch.save({"optimizer_history": []}, tmp_path / "checkpoint7.pt")
    saved(tmp_path / "other.pt", 5)
    saved(tmp_path / "checkpoint3.pt.tmp", 5)
    assert [checkpoint.path for checkpoint in whole_checkpoints(tmp_path)] == [earlier, later]
    assert str(whole_checkpoints(tmp_path)[-1]) == "checkpoint1.pt (update 1,200)"


def test_the_newest_whose_bytes_are_those_that_were_written(tmp_path: Path) -> None:
    """An average has the updates of its last part, and is nothing to go on from."""
    assert newest_intact(tmp_path) is None
    whole, changed = saved(tmp_path / "checkpoint_2_1200.pt", 1200), saved(tmp_path / "checkpoint4.pt", 3000)
    saved(tmp_path / "checkpoint_avg.pt", 4000)
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    assert [checkpoint.path for checkpoint in whole_checkpoints(tmp_path)] == [whole, changed]
    newest = newest_intact(tmp_path)
    assert newest is not None and newest.path == whole


@pytest.mark.parametrize(
    ("name", "is_written"),
    [
        *((name, True) for name in ("checkpoint_last", "checkpoint_best", "checkpoint12", "checkpoint_3_400")),
        *((name, True) for name in ("checkpoint.best_loss_3.1250", "checkpoint.best_nll_loss_3.1250")),
        *((name, False) for name in ("checkpoint_avg", "checkpoint_last_old", "checkpoint_1", "checkpoint", "crash")),
    ],
)
@pytest.mark.parametrize("suffix", ["", "_a", ".de", "-rank-0"])
def test_fairseqs_names(name: str, is_written: bool, suffix: str, tmp_path: Path) -> None:
    saved(tmp_path / f"{name}{suffix}.pt", 5)
    assert bool(whole_checkpoints(tmp_path, suffix)) == is_written
    assert not whole_checkpoints(tmp_path, "-other")


def test_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert whole_checkpoints(tmp_path / "none") == []


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    path = saved(tmp_path / "checkpoint.pt", 3)
    assert load_plain(str(path)).keys() == load_plain(path).keys() == {"model", "optimizer_history"}


NAMED = ("checkpoint2", "checkpoint9", "checkpoint10", "checkpoint_1_50", "checkpoint_2_100", "checkpoint_10_99")
OTHERS = ("checkpoint_best", "checkpoint_last", "checkpoint.best_bleu_30.1", "checkpoint_5_1.pt", "crash")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*NAMED, *OTHERS):
        (tmp_path / f"{name}.pt").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "count", "upper_bound", "names"),
    [
        ("epoch", 2, None, ["checkpoint9", "checkpoint10"]),
        ("epoch", 2, 9, ["checkpoint2", "checkpoint9"]),
        ("epoch", 3, None, ["checkpoint2", "checkpoint9", "checkpoint10"]),
        ("update", 2, None, ["checkpoint_10_99", "checkpoint_2_100"]),
        ("update", 1, 98, ["checkpoint_1_50"]),
    ],
)
def test_the_latest_by_their_numbers(kind, count: int, upper_bound: int | None, names: list[str], folder: Path) -> None:
    assert [path.stem for path in latest(folder, kind, count, upper_bound)] == names


def test_fewer_than_are_asked_for(folder: Path) -> None:
    with pytest.raises(UserError, match=r": has 3 checkpoints of epochs, and 4 are to be averaged\.$"):
        latest(folder, "epoch", 4)
    with pytest.raises(UserError, match=r": has 1 checkpoints of updates up to update 60, and 2 are to be averaged\.$"):
        latest(folder, "update", 2, 60)
    with pytest.raises(UserError, match=r"none: not a folder; name that of a training\.$"):
        latest(folder / "none", "epoch", 1)
