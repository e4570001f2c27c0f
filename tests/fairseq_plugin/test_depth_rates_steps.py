"""What an update with --depth-rates does to the parameters, against the same update without it.

In this process, with fairseq's trainer as its command makes it. A CPU takes --fp16 here, where no command looks at the
options first; what it cannot take is --fp16's one flat copy of all parameters, which a rule must not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq.logging import metrics
from fairseq.optim.lr_scheduler import LR_SCHEDULER_REGISTRY
from torch import Tensor

from mtdeep.fairseq_plugin import depth_rates
from mtdeep.fairseq_plugin.trainer import Trainer

Samples = Sequence[dict[str, Any]]
FACTOR = 0.66203
"""0.87 / 0.81 (2^4 3)^(-1/8): an encoder of two layers that three read."""
RULE = {"optimization__depth_rates": "adam"}
FIXED = ("--lr-scheduler", "fixed", "--lr", "5e-3")
FP16 = {"common__fp16": True}
IN_PARTS = {"common__fp16_no_flatten_grads": True}
PRECISIONS = {
    "fp32": {},
    "bf16": {"common__bf16": True},
    "amp": {"common__amp": True},
    "fp16": FP16,
    "memory-efficient fp16": {**FP16, "common__memory_efficient_fp16": True},
}
SCHEDULES = {
    "cosine": "--max-update 10 --warmup-updates 2",
    "fixed": "--force-anneal 2 --lr-shrink 0.5",
    "inverse_sqrt": "--warmup-updates 2",
    "manual": "--update2lr {'0':0.004,'2':0.002}",
    "piecewise": "--warmup-updates 2 --after drop --turn-at 3",
    "polynomial_decay": "--total-num-update 10 --warmup-updates 2",
    "reduce_lr_on_plateau": "--lr-shrink 0.5",
    "step": "--lr-deacy-period 2",  # fairseq spells it so
    "tri_stage": "--init-lr-scale 0.1 --warmup-steps 2 --hold-steps 1 --decay-steps 4",
    "triangular": "--max-lr 0.01 --lr-period-updates 4",
}
"""Every schedule, with options under which its rate changes within four updates."""


@pytest.fixture(scope="module")
def tiny(tiny: list[str]) -> list[str]:
    """Without the flags of its schedule, which others do not know."""
    cut = tiny.index("--lr-scheduler")
    assert tiny[cut + 2] == "--warmup-updates"
    return [*tiny[:cut], *tiny[cut + 4 :]]


@pytest.fixture
def both(trainer: Callable[..., Trainer]) -> Callable[..., tuple[Trainer, Trainer]]:
    """Return a maker of two trainers that differ in the rule alone; the second has none."""

    def make(*arguments: str, **changes: object) -> tuple[Trainer, Trainer]:
        made = []
        for more in (RULE, IN_PARTS):
            torch.manual_seed(5)
            made.append(trainer(*arguments, **changes, **more))
        return made[0], made[1]

    return make


def adams_parameters(trainer: Trainer) -> dict[str, Tensor]:
    """Return what Adam updates, by name: the parameters, or their copies in float32."""
    model = trainer.get_model()
    copies = getattr(trainer.optimizer, "fp32_params", None)
    return dict(zip(dict(model.named_parameters()), copies or model.parameters(), strict=True))


def first_step(trainer: Trainer, updates: Sequence[Samples]) -> dict[str, Tensor]:
    """Update until the rate is above 0; return what the last update added to each parameter."""
    for batches in updates:
        before = {name: parameter.detach().clone() for name, parameter in adams_parameters(trainer).items()}
        rate = trainer.get_lr()
        trainer.train_step(list(batches))
        if rate > 0:
            return {name: parameter.detach() - before[name] for name, parameter in adams_parameters(trainer).items()}
    raise AssertionError("the rate stays 0")


def assert_the_encoders_layers_learn_slower(with_rule: Trainer, without: Trainer, updates: Sequence[Samples]) -> None:
    """Until that step the two are the same, so that the ratio of the steps is the ratio of the rates."""
    slow, plain = first_step(with_rule, updates), first_step(without, updates)
    assert any(name.startswith("encoder.layers.") for name in slow)
    for name, step in plain.items():
        if name.startswith("encoder.layers."):
            rounding = torch.finfo(step.dtype).eps  # of parameters of about 1
            torch.testing.assert_close(slow[name], step * FACTOR, rtol=1e-4, atol=rounding)
        else:
            assert torch.equal(slow[name], step), name
    assert with_rule.get_lr() == without.get_lr()


@pytest.mark.parametrize(
    ("optimizer", "precision"),
    [
        *(("torch_adam", name) for name in ("fp32", "bf16", "amp", "fp16")),
        *(("adam", name) for name in ("fp32", "fp16", "memory-efficient fp16")),
    ],
)
def test_each_precision_and_optimizer(optimizer: str, precision: str, both, samples: Samples) -> None:
    trainers = both(*FIXED, "--optimizer", optimizer, **PRECISIONS[precision])
    assert_the_encoders_layers_learn_slower(*trainers, [samples[:1]])
    names = {type(trainer.optimizer).__name__ for trainer in trainers}
    assert len(names) == 1, "fairseq compares them when a training goes on"
    assert trainers[0].cfg.common.fp16_no_flatten_grads is False, "the option stays what the user gave"
    for name, parameter in trainers[0].get_model().named_parameters():
        assert torch.equal(parameter, adams_parameters(trainers[0])[name].to(parameter.dtype))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_copies_go_on_with_the_rule(
    precision: str, trainer, save_training, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the same moments without factors."""
    path = tmp_path / "earlier.pt"
    before = trainer(*FIXED, **PRECISIONS[precision], **RULE)
    first_step(before, [samples[:1]])
    save_training(before, path)
    resumed = []
    for _ in range(2):
        resumed.append(trainer(*FIXED, **PRECISIONS[precision]))
        resumed[-1].load_checkpoint(str(path))
        monkeypatch.setattr(depth_rates, "parameter_factors", lambda *_: {})
    assert [len(after.optimizer.param_groups) for after in resumed] == [2, 1]
    assert_the_encoders_layers_learn_slower(*resumed, [samples[1:2]])


def test_one_update_of_two_batches(both, samples: Samples) -> None:
    assert_the_encoders_layers_learn_slower(*both(*FIXED, "--update-freq", "2"), [samples[:2]])


def test_decay_is_that_of_the_whole_rate(both, samples: Samples) -> None:
    """Epsilon leaves decay alone: a normalisation's weights of 1 lose rate times decay, however slowly they learn."""
    for trainer in both(*FIXED, "--weight-decay", "0.5", "--adam-eps", "1e10"):
        lost = first_step(trainer, [samples[:1]])["encoder.layers.0.self_attn_layer_norm.weight"]
        torch.testing.assert_close(lost, torch.full_like(lost, -5e-3 * 0.5), rtol=1e-4, atol=0)


def test_every_schedule_is_tested() -> None:
    """But for one that follows the schedules within an optimizer of several others, which a rule does not go with."""
    assert set(SCHEDULES) == set(LR_SCHEDULER_REGISTRY) - {"pass_through"}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule(schedule: str, both, samples: Samples) -> None:
    """Its rate is the one that is logged, and that ends a training; the factor shows in the steps alone."""
    trainers = both("--lr-scheduler", schedule, *SCHEDULES[schedule].split())
    rates = [[epochs_rate(trainer, 1)] for trainer in trainers]
    assert_the_encoders_layers_learn_slower(*trainers, [samples[:1]] * 3)
    for own, trainer in zip(rates, trainers, strict=True):
        for epoch in (2, 3, 4):
            trainer.train_step([samples[epoch]])
            own += [rate_of(trainer), trainer.lr_step(epoch - 1, 1.0), epochs_rate(trainer, epoch)]
    assert rates[0] == rates[1]
    assert len(set(rates[0])) > 1


def epochs_rate(trainer: Trainer, epoch: int) -> float:
    """Begin an epoch, as fairseq's command does; return its rate."""
    trainer.lr_step_begin_epoch(epoch)
    return rate_of(trainer)


def rate_of(trainer: Trainer) -> float:
    """Return the rate, which all say alike: the groups, the trainer, and the log."""
    with metrics.aggregate(new_root=True) as logged:
        trainer.lr_step_update()
    rate: float = trainer.get_lr()
    assert {group["lr"] for group in trainer.optimizer.param_groups} == {rate}
    assert logged["lr"].avg == rate
    return rate
