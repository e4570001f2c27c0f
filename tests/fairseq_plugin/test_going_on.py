"""A training that goes on with other parts says so in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.trainer import Trainer

CRITERION = {"_name": "label_smoothed_cross_entropy", "label_smoothing": 0.1, "sentence_avg": False}
ADAM = {"_name": "adam", "adam_betas": [0.9, 0.98], "adam_eps": 1e-8, "weight_decay": 0.0, "tpu": False, "lr": [0.1]}
ADAM |= {"use_old_adam": False, "fp16_adam_stats": False}


@pytest.fixture
def checkpoint(trainer: Callable[..., Trainer], tmp_path: Path) -> Path:
    path = tmp_path / "earlier.pt"
    earlier = trainer()
    earlier.consolidate_optimizer()
    earlier.save_checkpoint(str(path), {"train_iterator": {"epoch": 1, "version": 2, "iterations_in_epoch": 0}})
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
