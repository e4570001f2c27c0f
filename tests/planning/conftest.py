"""Trains a small model for two updates under torch's profiler, which says what its tensors took."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import pytest
import torch
from fairseq.dataclass.configs import FairseqConfig
from fairseq.optim.fp16_optimizer import FP16Optimizer
from omegaconf import OmegaConf
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.profiler import ProfilerActivity, profile

from mtdeep.nn import Config, Model, build_model, linear_cross_entropy
from mtdeep.planning import Batch, plan, rehearse

Measure = Callable[..., int]
Bf16Optimizer = Callable[[Sequence[nn.Parameter]], FP16Optimizer]
ATTEMPTS = 3
"""On a machine with other work the profiler now and then misses that a thread of gloo has let a tensor go."""


@pytest.fixture(scope="session", autouse=True)
def _each_step_once() -> Iterator[None]:
    """Plans that differ in memory or devices go through the same steps: once for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "rehearse", cache(rehearse))
        yield


@pytest.fixture(scope="session")
def bf16_optimizer() -> Bf16Optimizer:
    """Make what fairseq makes of `--bf16 --optimizer torch_adam`."""

    def make(parameters: Sequence[nn.Parameter]) -> FP16Optimizer:
        cfg = OmegaConf.structured(FairseqConfig())
        cfg.common.bf16 = True
        cfg.optimization.lr = [1e-3]
        cfg.optimizer = {
            "_name": "torch_adam", "adam_betas": "(0.9, 0.98)", "adam_eps": 1e-8, "weight_decay": 0.0, "lr": [1e-3],
            "use_old_adam": False, "fp16_adam_stats": False, "tpu": False,
        }  # fmt: skip
        return FP16Optimizer.build_optimizer(cfg, parameters)

    return make


@pytest.fixture(scope="session")
def profiled_peak(bf16_optimizer: Bf16Optimizer) -> Measure:
    """Return the peak of tensor bytes: (config, batch, fp32, amp or bf16, batches in an update, DDP's options)."""

    def measure(
        config: Config, batch: Batch, precision: str, update_freq: int = 1, ddp: dict[str, bool] | None = None
    ) -> int:
        # DDP leaves a few numbers that it has exchanged.
        most = 0 if ddp is None else 99
        for _ in range(ATTEMPTS):
            # Whatever is alive when the profiler starts is none of the training's: it makes all of its tensors itself.
            with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
                if precision == "bf16":
                    train_bf16(config, batch, bf16_optimizer)
                elif ddp is None:
                    train(config, batch, precision == "amp", update_freq, ddp)
                else:
                    # Its threads, which may be the last to hold a bucket, end within what is profiled.
                    with process_group():
                        train(config, batch, precision == "amp", update_freq, ddp)
                        gc.collect()  # DDP refers to itself
            live = peak = 0
            for event in profiler.profiler.kineto_results.events():
                if event.name() == "[memory]":
                    live += event.nbytes()
                    peak = max(peak, live)
            if 0 <= live <= most:
                return peak
        raise AssertionError(f"the profiler has missed a tensor's beginning or end {ATTEMPTS} times: {live}")

    return measure


@contextmanager
def process_group() -> Iterator[None]:
    """Of one process, which DDP treats as it treats many."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def train(config: Config, batch: Batch, autocast: bool, update_freq: int, ddp: dict[str, bool] | None) -> None:
    model = build_model(config).train()
    wrapped = model if ddp is None else DistributedDataParallel(model, **ddp)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    source, target = sentences(config, batch)
    for _ in range(2):
        optimizer.zero_grad()
        for _ in range(update_freq):
            loss(model, source, target, autocast, wrapped).backward()
        optimizer.step()


def train_bf16(config: Config, batch: Batch, make_optimizer: Bf16Optimizer) -> None:
    model = build_model(config).bfloat16().train()
    optimizer = make_optimizer(list(model.parameters()))
    source, target = sentences(config, batch)
    for _ in range(2):
        optimizer.zero_grad()
        optimizer.backward(loss(model, source, target, autocast=False))
        optimizer.step()


def sentences(config: Config, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.randint(4, config.source_vocabulary_size, (batch.sentences, batch.length))
    source[-1, -3:] = config.padding_idx
    return source, source.clone()


def loss(
    model: Model, source: torch.Tensor, target: torch.Tensor, autocast: bool, wrapped: nn.Module | None = None
) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        read = model.features if wrapped in (None, model) else wrapped
        features = read(source, target).flatten(0, 1)
        weight = model.output_projection.weight
        summed, _ = linear_cross_entropy(features, weight, target.flatten(), label_smoothing=0.1, padding_idx=1)
    return summed
