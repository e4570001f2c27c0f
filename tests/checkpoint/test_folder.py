"""Which files of a training's folder are whole."""

from __future__ import annotations

from pathlib import Path

import torch

from mtdeep.checkpoint import load_plain
from mtdeep.checkpoint.folder import whole_checkpoints


def saved(path: Path, updates: int) -> Path:
    torch.save({"model": {"x": torch.ones(1000)}, "optimizer_history": [{"num_updates": updates}]}, path)
    return path


def test_whole_ones_by_their_updates(tmp_path: Path) -> None:
    later, earlier = saved(tmp_path / "checkpoint1.pt", 1200), saved(tmp_path / "checkpoint_best.pt", 30)
    cut = saved(tmp_path / "checkpoint_last.pt", 2000)
    cut.write_bytes(cut.read_bytes()[:-100])
    changed = saved(tmp_path / "checkpoint4.pt", 3000)
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    torch.save({"optimizer_history": []}, tmp_path / "checkpoint_odd.pt")
    saved(tmp_path / "other.pt", 5)
    saved(tmp_path / "checkpoint3.pt.tmp", 5)
    assert [checkpoint.path for checkpoint in whole_checkpoints(tmp_path)] == [earlier, later]
    assert str(whole_checkpoints(tmp_path)[-1]) == "checkpoint1.pt (update 1,200)"


def test_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert whole_checkpoints(tmp_path / "none") == []


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    path = saved(tmp_path / "checkpoint.pt", 3)
    assert load_plain(str(path)).keys() == load_plain(path).keys() == {"model", "optimizer_history"}
