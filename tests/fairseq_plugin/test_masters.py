"""Trainings in half precision: their masters begin unrounded, are what a checkpoint holds, and come back from it.

A CPU takes --fp16 here, where no command looks at the options first; its flat masters ask for the number of a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.optim import FP16Optimizer
from torch import Tensor

from mtdeep.fairseq_plugin.trainer import Trainer

Samples = Sequence[dict[str, Any]]
ADAM = ("--optimizer", "adam")
PRECISIONS = {
    "bf16": ({"common__bf16": True}, torch.bfloat16),
    "fp16 in one flat master": ({"common__fp16": True}, torch.float16),
    "fp16 in parts": ({"common__fp16": True, "common__fp16_no_flatten_grads": True}, torch.float16),
}
WITHOUT_MASTERS = {"common__bf16": True, "common__memory_efficient_bf16": True}
TIED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight")

pytestmark = pytest.mark.usefixtures("a_device")


@pytest.fixture
def a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU's tensors have no number of a device."""
    monkeypatch.setattr(torch.cuda, "current_device", lambda: None)


@pytest.fixture(params=PRECISIONS)
def half(request: pytest.FixtureRequest) -> tuple[dict[str, object], torch.dtype]:
    """A precision, with the type of the model's weights in it."""
    return PRECISIONS[request.param]


def masters(trainer: Trainer) -> list[Tensor]:
    """Return the optimizer's own float32 weights, one after the other."""
    assert isinstance(trainer.optimizer, FP16Optimizer)
    of_all = trainer.optimizer.fp32_params
    return [p.data.flatten() for p in (of_all.values() if isinstance(of_all, dict) else of_all)]


def test_they_begin_as_the_model_before_it_was_rounded(half, train, tmp_path: Path) -> None:
    changes, dtype = half
    whole = torch.cat([p.data.flatten() for p in train([], *ADAM).get_model().parameters()])
    rounded = train([], *ADAM, path=tmp_path / "none.pt", **changes)  # as fairseq's command begins
    assert torch.equal(torch.cat(masters(rounded)), whole)
    model = torch.cat([p.data.flatten() for p in rounded.get_model().parameters()])
    assert model.dtype == dtype and torch.equal(model, whole.to(dtype)) and not torch.equal(model.float(), whole)


def test_a_checkpoint_holds_them_under_all_names(half, train, save_training, samples: Samples, tmp_path: Path) -> None:
    """Rounded, they are the weights with which the training computes."""
    changes, dtype = half
    made = train(samples[:2], *ADAM, **changes)
    saved = save_training(made, tmp_path / "half.pt")["model"]
    computed = made.get_model().state_dict()
    assert saved.keys() == computed.keys() >= set(TIED)
    for name, weights in computed.items():
        if weights.is_floating_point():
            assert (weights.dtype, saved[name].dtype) == (dtype, torch.float32)
            assert torch.equal(saved[name].to(dtype), weights)
    assert len({saved[name].data_ptr() for name in TIED}) == 1, "the table is in the file once"
    names = [name for name, _ in made.get_model().named_parameters()]
    assert torch.equal(torch.cat([saved[name].flatten() for name in names]), torch.cat(masters(made)))


def test_a_training_goes_on_to_the_bit(half, train, save_training, samples: Samples, tmp_path: Path) -> None:
    changes, _ = half
    whole = save_training(train(samples[:4], *ADAM, **changes), tmp_path / "whole.pt")
    save_training(train(samples[:2], *ADAM, **changes), tmp_path / "half.pt")
    after = train(samples[2:4], *ADAM, path=tmp_path / "half.pt", seed=6, **changes)
    resumed = save_training(after, tmp_path / "resumed.pt")
    for name, weights in whole["model"].items():
        assert torch.equal(weights, resumed["model"][name]), name


def test_another_training_begins_with_them(half, train, save_training, samples: Samples, tmp_path: Path) -> None:
    """With an optimizer of its own, as under --finetune-from-model."""
    changes, _ = half
    before = train(samples[:2], *ADAM, **changes)
    save_training(before, tmp_path / "half.pt")
    after = train([], *ADAM, seed=6, **changes)
    after.load_checkpoint(str(tmp_path / "half.pt"), reset_optimizer=True, reset_lr_scheduler=True, reset_meters=True)
    assert torch.equal(torch.cat(masters(after)), torch.cat(masters(before)))


def test_an_optimizer_that_is_there_takes_them(half, train, save_training, samples: Samples, tmp_path: Path) -> None:
    """fairseq builds none anew where the file's is not wanted."""
    changes, _ = half
    before = train(samples[:2], *ADAM, **changes)
    save_training(before, tmp_path / "half.pt")
    after = train(samples[:1], *ADAM, seed=6, **changes)
    after.load_checkpoint(str(tmp_path / "half.pt"), reset_optimizer=True, reset_lr_scheduler=True, reset_meters=True)
    assert torch.equal(torch.cat(masters(after)), torch.cat(masters(before)))


def test_a_file_of_rounded_weights_goes_on_from_those(
    half, train, save_training, samples: Samples, tmp_path: Path
) -> None:
    """As fairseq writes it."""
    changes, dtype = half
    state, path = save_training(train(samples[:2], *ADAM, **changes), tmp_path / "half.pt"), tmp_path / "rounded.pt"
    state["model"] = {name: weights.to(dtype) for name, weights in state["model"].items()}
    torch.save(state, path)
    resumed = train([], *ADAM, path=path, seed=6, **changes)
    assert torch.equal(
        torch.cat(masters(resumed)),
        torch.cat([state["model"][name].float().flatten() for name, _ in resumed.get_model().named_parameters()]),
    )


def test_without_masters_the_weights_are_what_they_are(train, save_training, samples: Samples, tmp_path: Path) -> None:
    """The memory-efficient kind steps on the rounded weights themselves."""
    made = train(samples[:2], *ADAM, **WITHOUT_MASTERS)
    saved = save_training(made, tmp_path / "half.pt")["model"]
    assert all(torch.equal(weights.float(), saved[name]) for name, weights in made.get_model().state_dict().items())


def test_float32_is_left_alone(train, save_training, samples: Samples, tmp_path: Path) -> None:
    made = train(samples[:1], *ADAM)
    saved = save_training(made, tmp_path / "whole.pt")["model"]
    assert all(torch.equal(weights, saved[name]) for name, weights in made.get_model().state_dict().items())
