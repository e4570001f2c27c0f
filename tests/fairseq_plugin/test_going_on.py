"""A training that goes on with other parts, or from a damaged file, says so in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint import load_plain
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.trainer import Trainer

CRITERION = {"_name": "label_smoothed_cross_entropy", "label_smoothing": 0.1, "sentence_avg": False}
ADAM = {"_name": "adam", "adam_betas": [0.9, 0.98], "adam_eps": 1e-8, "weight_decay": 0.0, "tpu": False, "lr": [0.1]}
ADAM |= {"use_old_adam": False, "fp16_adam_stats": False}


@pytest.fixture
def checkpoint(trainer: Callable[..., Trainer], save_training, tmp_path: Path) -> Path:
    path = tmp_path / "earlier.pt"
    save_training(trainer(), path)
    return path


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"criterion": CRITERION}, "criterion LabelSmoothedLinearCrossEntropy, and this one has LabelSmoothedCross"),
        ({"optimizer": ADAM}, "optimizer TorchAdam, and this one has FairseqAdam"),
    ],
)
def test_another_criterion_or_optimizer_is_refused_or_starts_the_optimizer_anew(
    changes: dict[str, object], sentence: str, checkpoint: Path, trainer: Callable[..., Trainer]
) -> None:
    with pytest.raises(UserError, match=f"earlier.pt: its training had the {sentence}.*--reset-optimizer"):
        trainer(**changes).load_checkpoint(str(checkpoint))
    other = trainer(**changes)
    other.load_checkpoint(str(checkpoint), reset_optimizer=True)
    for name, tensor in torch.load(checkpoint, weights_only=False)["model"].items():
        assert torch.equal(other.model.state_dict()[name], tensor)


@pytest.mark.parametrize("record", [{}, {"languages": ["en"], "store": "0" * 32}, {"vocabulary": None}])
def test_records_of_earlier_revisions_go_on(
    record: dict[str, object], checkpoint: Path, trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    torch.save({**load_plain(checkpoint), "task_state": record}, tmp_path / "older.pt")
    assert trainer().load_checkpoint(str(tmp_path / "older.pt")) is not None


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda state: state["task_state"].update(vocabulary=7), "vocabulary is not a text but of type int"),
        (lambda state: vars(state["cfg"]["model"]).update(mtdeep_config={"scheme": 3}), "not one of this version"),
    ],
)
def test_damaged_records_are_told_with_their_file(
    damage: Callable[[dict[str, object]], None],
    problem: str,
    checkpoint: Path,
    trainer: Callable[..., Trainer],
    tmp_path: Path,
) -> None:
    state, path = load_plain(checkpoint), tmp_path / "bad.pt"
    damage(state)
    torch.save(state, path)
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}: .*{problem}"):
        trainer().load_checkpoint(str(path))
