"""Probes of a training's updates."""

from __future__ import annotations

import argparse
import warnings
from types import SimpleNamespace

import torch
from fairseq.nan_detector import NanDetector
from fairseq.optim import FP16Optimizer
from fairseq.optim.amp_optimizer import AMPOptimizer
from fairseq.optim.lr_scheduler.reduce_lr_on_plateau import ReduceLROnPlateauLRSchedule
from fairseq.optim.sgd import SGD
from fairseq.tasks import FairseqTask


def plateau_patience() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    schedule = ReduceLROnPlateauLRSchedule(
        SimpleNamespace(
            lr=[1.0], lr_patience=2, lr_shrink=0.1, lr_threshold=0.0, warmup_updates=0, warmup_init_lr=-1.0,
            maximize_best_checkpoint_metric=False,
        ),
        SGD(SimpleNamespace(lr=[1.0], momentum=0.0, weight_decay=0.0), [weight]),
    )  # fmt: skip
    for score in (1.0, 2.0, 2.0):
        schedule.step(1, score)
    state = schedule.state_dict()
    schedule.lr_scheduler.num_bad_epochs = 0  # as in another process
    schedule.load_state_dict(state)
    schedule.step(1, 2.0)
    assert schedule.optimizer.get_lr() == 0.1, f"the rate is still {schedule.optimizer.get_lr()}"


def bf16_factor() -> None:
    optimizer = FP16Optimizer.__new__(FP16Optimizer)
    optimizer.fp16_params, optimizer.fp32_params, optimizer.scaler = [], [], None
    optimizer._multiply_factor = float("nan")
    optimizer.zero_grad()
    assert optimizer._multiply_factor == 1.0, f"the factor is still {optimizer._multiply_factor}"


def amp_scale_off() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.full((1,), torch.nan)
    optimizer = AMPOptimizer.__new__(AMPOptimizer)
    optimizer.fp32_optimizer = SGD(SimpleNamespace(lr=[1.0], momentum=0.0, weight_decay=0.0), [weight])
    optimizer._grad_scaler, optimizer.min_loss_scale = torch.amp.GradScaler("cpu", enabled=False), 1e-4
    assert optimizer.clip_grad_norm(0.0).isnan()


def nan_detector() -> None:
    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(2, 2)

        def forward(self, states: torch.Tensor) -> dict[str, list[torch.Tensor]]:
            return {"encoder_out": [self.inner(states)]}

    encoder = Encoder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with NanDetector(encoder):
            encoder(torch.ones(1, 2))["encoder_out"][0].sum().backward()


def cpu_amp() -> None:
    class Model(torch.nn.Linear):
        def set_num_updates(self, updates: int) -> None:
            pass

    types = []

    def criterion(model: Model, sample: torch.Tensor) -> tuple[torch.Tensor, int, dict[str, float]]:
        output = model(sample)
        types.append(output.dtype)
        return output.float().sum(), 1, {}

    optimizer = AMPOptimizer.__new__(AMPOptimizer)
    optimizer.backward = torch.Tensor.backward
    with warnings.catch_warnings():
        warnings.simplefilter("error", append=True)  # behind the filters that stand
        FairseqTask(argparse.Namespace()).train_step(torch.ones(1, 2), Model(2, 2), criterion, optimizer, 0)
    assert types == [torch.bfloat16]


PROBES = (
    plateau_patience,
    bf16_factor,
    amp_scale_off,
    nan_detector,
    cpu_amp,
)
