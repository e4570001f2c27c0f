"""A dynamic loss scale goes on where it was: fairseq's counters of --fp16, and torch's own of --amp."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from mtdeep.fairseq_plugin.loss_scale import COUNTERS, KEY, loss_scale
from mtdeep.fairseq_plugin.trainer import Trainer

Samples = Sequence[dict[str, Any]]
ADAM = ("--optimizer", "adam")
FP16 = {"common__fp16": True, "common__fp16_no_flatten_grads": True, "common__fp16_scale_window": 3}
KINDS = {
    "fp16": FP16,
    "memory-efficient fp16": {**FP16, "common__memory_efficient_fp16": True},
    "amp": {"common__amp": True},
}


@pytest.fixture
def a_scaler_for_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """fairseq's --amp asks for a GPU's, which is switched off where there is none."""
    made = lambda **options: torch.amp.GradScaler("cpu", **{**options, "growth_interval": 3})  # noqa: E731
    monkeypatch.setattr(torch.cuda.amp, "GradScaler", made)


def scale(trainer: Trainer) -> float:
    """Return by what the loss is multiplied now."""
    scaler = trainer.optimizer.scaler
    return float(scaler.get_scale() if hasattr(scaler, "get_scale") else scaler.loss_scale)


@pytest.mark.usefixtures("a_scaler_for_cpus")
@pytest.mark.parametrize("kind", KINDS)
def test_it_grows_at_the_same_update(kind: str, train, save_training, samples: Samples, tmp_path: Path) -> None:
    """Saved after two updates; it grows every third."""
    whole = [train(samples[:number], *ADAM, **KINDS[kind]) for number in (2, 3, 4, 5)]
    scales = [scale(trainer) for trainer in whole]
    assert len(set(scales)) == 2, "it grows within these updates, once"
    save_training(whole[0], tmp_path / "half.pt")
    for number, expected in zip((2, 3, 4, 5), whole, strict=True):
        resumed = train(samples[2:number], *ADAM, path=tmp_path / "half.pt", **KINDS[kind])
        assert loss_scale(resumed.optimizer) == loss_scale(expected.optimizer) != {}
        assert scale(resumed) == scale(expected)


@pytest.mark.parametrize(
    ("before", "now", "reset"), [(FP16, FP16, True), (KINDS["amp"], FP16, False), ({}, FP16, False)]
)
def test_a_scale_of_its_own(
    before: dict[str, Any], now: dict[str, Any], reset: bool, train, save_training, samples: Samples, tmp_path: Path
) -> None:
    """With an optimizer of its own, and after a training of another precision."""
    path = tmp_path / "before.pt"
    state = save_training(train(samples[:2], *ADAM, **before), path)
    assert set(state["extra_state"][KEY]) == (set(COUNTERS) if before is FP16 else set())
    fresh = loss_scale(train([], *ADAM, **now).optimizer)
    trainer = train([], *ADAM, **now)
    kinds = {"reset_optimizer": True, "reset_lr_scheduler": True, "reset_meters": True}
    trainer.load_checkpoint(str(path), **(kinds if reset or before is not now else {}))
    assert loss_scale(trainer.optimizer) == fresh
