"""A checkpoint whose bytes have changed is told from a whole one, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint.intact import load_intact
from mtdeep.errors import DamagedFile, UserError

STATE = {"model": {"x": torch.arange(3000.0)}, "updates": 7}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.pt"
    torch.save(STATE, path)
    return path


def test_a_whole_one(whole: Path) -> None:
    state = load_intact(whole)
    assert torch.equal(state["model"]["x"], STATE["model"]["x"]) and state["updates"] == 7


@pytest.mark.parametrize("tenth", range(1, 10))
def test_a_byte_that_has_changed(whole: Path, tenth: int) -> None:
    content = bytearray(whole.read_bytes())
    content[len(content) * tenth // 10] ^= 16
    whole.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"checkpoint\.pt: "):
        load_intact(whole)


@pytest.mark.parametrize("size", [0, 10, 5000, -1])
def test_one_that_is_cut_short(whole: Path, size: int) -> None:
    whole.write_bytes(whole.read_bytes()[:size])
    with pytest.raises(DamagedFile, match=r"checkpoint\.pt: "):
        load_intact(whole)


def test_one_of_before_torch_1_6_has_no_sums(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    torch.save(STATE, path, _use_new_zipfile_serialization=False)
    assert load_intact(path)["updates"] == 7


def test_one_that_cannot_be_read_is_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file") as problem:
        load_intact(tmp_path / "none.pt")
    assert not isinstance(problem.value, DamagedFile)
