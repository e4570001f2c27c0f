"""The moving average of the weights: the closed form, each tensor once, of float32 weights, through checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.start import check

Samples = Sequence[dict[str, Any]]
EMA: dict[str, object] = {"ema__store_ema": True, "ema__ema_decay": 0.9}
TABLES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight")


def saved(made, save_training, path: Path, of: str = "model") -> dict[str, Tensor]:
    """The weights, or the average, that a checkpoint has now."""
    state = save_training(made, path)
    tensors = state["model"] if of == "model" else state["extra_state"][of]
    return {name: tensor.double().clone() for name, tensor in tensors.items()}


@pytest.mark.parametrize("precision", [{}, {"common__bf16": True}], ids=["float32", "bf16"])
def test_it_is_what_its_formula_says(precision, train, save_training, samples: Samples, tmp_path: Path) -> None:
    """Of the float32 weights after each update, the first of which it begins with; the shared table once."""
    after = [saved(train(samples[:n], **EMA, **precision), save_training, tmp_path / f"{n}.pt") for n in (1, 2, 3)]
    made = train(samples[:3], **EMA, **precision)
    average = saved(made, save_training, tmp_path / "all.pt", "ema")
    assert average.keys() == after[0].keys() >= set(TABLES)
    for name, mean in average.items():
        first, second, third = (weights[name] for weights in after)
        torch.testing.assert_close(mean, 0.81 * first + 0.09 * second + 0.1 * third, rtol=1e-6, atol=1e-7)
    assert not torch.equal(average[TABLES[0]], after[-1][TABLES[0]])
    assert save_training(made, tmp_path / "types.pt")["extra_state"]["ema"][TABLES[0]].dtype == torch.float32


def test_until_its_first_update_it_is_the_weights(train, save_training, samples: Samples, tmp_path: Path) -> None:
    made = train(samples[:2], **EMA, ema__ema_start_update=3)
    average, weights = (saved(made, save_training, tmp_path / "c.pt", of) for of in ("ema", "model"))
    assert all(torch.equal(average[name], weights[name]) for name in weights)


def test_every_second_update(train, save_training, samples: Samples, tmp_path: Path) -> None:
    second, fourth = (saved(train(samples[:n], **EMA), save_training, tmp_path / f"{n}.pt") for n in (2, 4))
    first = saved(train(samples[:1], **EMA), save_training, tmp_path / "1.pt")
    average = saved(train(samples[:4], **EMA, ema__ema_update_freq=2), save_training, tmp_path / "all.pt", "ema")
    for name, mean in average.items():
        expected = 0.9 * (0.9 * first[name] + 0.1 * second[name]) + 0.1 * fourth[name]
        torch.testing.assert_close(mean, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("options", [{}, {"common__bf16": True}, {"ema__ema_fp32": True}])
def test_a_training_goes_on_with_it_to_the_bit(options, train, save_training, samples: Samples, tmp_path: Path) -> None:
    whole = saved(train(samples[:4], **EMA, **options), save_training, tmp_path / "whole.pt", "ema")
    save_training(train(samples[:2], **EMA, **options), tmp_path / "half.pt")
    rest = train(samples[2:4], path=tmp_path / "half.pt", **EMA, **options)
    average = saved(rest, save_training, tmp_path / "rest.pt", "ema")
    assert all(torch.equal(average[name], whole[name]) for name in whole)


def test_it_begins_with_the_weights_of_a_checkpoint(train, save_training, samples: Samples, tmp_path: Path) -> None:
    before = saved(train(samples[:2]), save_training, tmp_path / "half.pt")
    after = saved(train(samples[:3]), save_training, tmp_path / "more.pt")
    rest = train(samples[2:3], path=tmp_path / "half.pt", **EMA)
    for name, mean in saved(rest, save_training, tmp_path / "rest.pt", "ema").items():
        torch.testing.assert_close(mean, 0.9 * before[name] + 0.1 * after[name], rtol=1e-6, atol=1e-7)


def test_a_finetuning_begins_with_the_weights_and_not_with_an_average(
    train, trainer, save_training, samples: Samples, tmp_path: Path
) -> None:
    before = saved(train(samples[:2], **EMA), save_training, tmp_path / "before.pt")
    made = trainer(**EMA)
    extra_state = made.load_checkpoint(str(tmp_path / "before.pt"), reset_optimizer=True, reset_meters=True)
    assert "ema" not in extra_state, "it is let go of"
    average = saved(made, save_training, tmp_path / "after.pt", "ema")
    assert all(torch.equal(average[name], before[name]) for name in before)


def test_looking_ahead_builds_none(trainer) -> None:
    """It would begin with weights that no update has made."""
    made = trainer("--best-checkpoint-metric", "ppl", **EMA)
    made.load_checkpoint("none.pt")
    assert made._ema is None


def test_no_loss_is_another_with_it(train, save_training, samples: Samples, tmp_path: Path) -> None:
    with_it, without = (saved(train(samples[:3], **more), save_training, tmp_path / "c.pt") for more in (EMA, {}))
    assert all(torch.equal(with_it[name], without[name]) for name in without)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--ema-decay", "1"), "--ema-decay is 1, but must be at least 0 and below 1"),
        (("--ddp-backend", "fully_sharded"), "--store-ema and --ddp-backend fully_sharded do not go together"),
    ],
)
def test_what_it_cannot_be(flags, sentence: str, configured, toy_store: Path, tiny: list[str]) -> None:
    with pytest.raises(UserError, match=sentence):
        check("train", configured("train", toy_store, *tiny, "--store-ema", *flags))
