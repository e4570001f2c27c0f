"""Room on the disk for checkpoints: their size, against files that are written, and what is said where it lacks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.room import check_room, names_of_a_save, size_of_checkpoint
from mtdeep.fairseq_plugin.trainer import Trainer

WIDE = ("--encoder-embed-dim", 256, "--encoder-ffn-embed-dim", 512, "--encoder-attention-heads", 4)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"common__bf16": True},
        {"common__amp": True},
        {"checkpoint__no_save_optimizer_state": True},
        {"optimization__depth_rates": "adam"},
    ],
)
def test_the_size_is_that_of_the_file(
    changes: dict[str, object], trainer: Callable[..., Trainer], save_training, samples, tmp_path: Path
) -> None:
    """But for names, options and what the archive adds."""
    made = trainer(*WIDE, **changes)
    made.train_step(samples[:1])
    save_training(made, tmp_path / "checkpoint.pt")
    assert (tmp_path / "checkpoint.pt").stat().st_size == pytest.approx(size_of_checkpoint(made), rel=0.03)


def test_an_optimizer_of_another_kind(trainer: Callable[..., Trainer]) -> None:
    made = trainer("--optimizer", "sgd")
    weights = made.get_model().parameters()
    assert size_of_checkpoint(made) == 4 * sum(parameter.numel() for parameter in weights)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, 3),
        ({"no_epoch_checkpoints": True}, 2),
        ({"no_epoch_checkpoints": True, "save_interval_updates": 10}, 3),
        ({"no_epoch_checkpoints": True, "no_last_checkpoints": True}, 1),
        ({"keep_best_checkpoints": 2}, 4),
    ],
)
def test_what_one_save_writes(changes: dict[str, object], names: int) -> None:
    plain = {"no_epoch_checkpoints": False, "save_interval_updates": 0, "no_last_checkpoints": False}
    assert names_of_a_save(SimpleNamespace(**{**plain, "keep_best_checkpoints": -1, **changes})) == names


def test_room_that_lacks(
    trainer: Callable[..., Trainer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In a folder that is not there yet, and is not made for the record of the start."""
    monkeypatch.setattr("mtdeep.fairseq_plugin.trainer.record_start", lambda *_: None)
    made = trainer(checkpoint__save_dir=str(tmp_path / "none" / "run"))
    size = size_of_checkpoint(made)
    free = SimpleNamespace(free=3 * size)
    monkeypatch.setattr(shutil, "disk_usage", {tmp_path: free}.__getitem__)
    made.load_checkpoint(str(tmp_path / "none" / "run" / "checkpoint_last.pt"))
    assert "free" not in caplog.text
    free.free = size
    made.load_checkpoint(str(tmp_path / "none" / "run" / "checkpoint_last.pt"))
    assert "B, of which one save writes 3; make room, or see --no-epoch-checkpoints" in caplog.text
    free.free = size - 1
    with pytest.raises(UserError, match=r"^--save-dir .*run: its disk has .* free, and .* takes .*B; make room"):
        made.load_checkpoint(str(tmp_path / "none" / "run" / "checkpoint_last.pt"))
    made.cfg.checkpoint.no_save = True
    check_room(made)
