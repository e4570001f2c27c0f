"""What fairseq writes into a checkpoint, with any of its options, is read again: with fairseq, and without it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fairseq import checkpoint_utils, optim, options
from fairseq.criterions import CRITERION_DATACLASS_REGISTRY
from fairseq.data import Dictionary
from fairseq.dataclass.configs import EMAConfig, FairseqConfig
from fairseq.dataclass.constants import DDP_BACKEND_CHOICES
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.logging import meters, metrics
from fairseq.models.ema import build_ema
from fairseq.optim.lr_scheduler import LR_SCHEDULER_REGISTRY, build_lr_scheduler
from fairseq.tasks import TASK_DATACLASS_REGISTRY
from fairseq.tasks.translation import TranslationConfig, TranslationTask
from omegaconf import OmegaConf

from mtdeep.checkpoint.read import load_plain
from mtdeep.fairseq_plugin.compat.checkpoint_errors import complaint_about

PLAIN = (int, float, str, bool, bytes, type(None), torch.Tensor, torch.Size)
# Options without which a schedule cannot be made.
SCHEDULES = {
    "cosine": "--max-update 10",
    "inverse_sqrt": "--warmup-updates 4",
    "polynomial_decay": "--total-num-update 10",
    "step": "--lr-deacy-period 2",  # fairseq spells it so
    "tri_stage": "--warmup-steps 2 --hold-steps 2 --decay-steps 2",
    "triangular": "--max-lr 1 --lr-period-updates 4",
}
# Another library's (DeepSpeed's, apex's), or a set of others.
NOT_HERE = {"cpu_adam", "lamb", "composite", "pass_through"}
# "argument of type 'int' is not iterable" in fairseq itself, whatever its options.
BROKEN = {"manual"}


def assert_plain(value: Any, path: str = "") -> None:
    """Assert that a value is Python's own data and tensors, all the way down."""
    if isinstance(value, Namespace):
        value = vars(value)
    if isinstance(value, dict):
        for name, entry in value.items():
            assert_plain(name, f"{path}, a key")
            assert_plain(entry, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for number, entry in enumerate(value):
            assert_plain(entry, f"{path}[{number}]")
    else:
        assert type(value) in PLAIN, f"{path}: {type(value)}"


@pytest.fixture
def write_and_read(tmp_path: Path):
    """Write a part of a checkpoint as fairseq does, and return it as it is read without fairseq."""

    def through(**parts: Any) -> Any:
        path = tmp_path / "checkpoint.pt"
        checkpoint_utils.torch_persistent_save({"model": {}, **parts}, str(path))
        assert complaint_about(str(path)) is None
        torch.load(path)  # as every command of fairseq does
        state = load_plain(path)
        assert_plain(state)
        return state

    return through


def test_counts_of_bleu(write_and_read) -> None:
    """--eval-bleu: arrays; the metric that is compared, a number of numpy."""
    counts = {f"_bleu_{kind}_{i}": 10 - i for kind in ("counts", "totals") for i in range(4)}
    output = {"_bleu_sys_len": np.int64(7), "_bleu_ref_len": np.int64(8), **counts, "loss": torch.tensor(2.0)}
    task = TranslationTask(TranslationConfig(eval_bleu=True), Dictionary(), Dictionary())
    with metrics.aggregate("valid", new_root=True) as scores:
        task.reduce_metrics([{**output, "ntokens": 3, "nsentences": 1, "sample_size": 1}], Criterion())
    state = metrics.state_dict()
    score = np.float64(scores.get_smoothed_value("bleu"))
    held = write_and_read(extra_state={"metrics": state, "val_loss": score, "best": score})["extra_state"]
    assert held["best"] == score
    # What is read counts on as before: lists for arrays.
    metrics.load_state_dict(held["metrics"])
    with metrics.aggregate("valid", new_root=True):
        task.reduce_metrics([{**output, "ntokens": 3, "nsentences": 1, "sample_size": 1}], Criterion())
    assert metrics.get_smoothed_value("valid", "bleu") == pytest.approx(score)
    metrics.reset()


class Criterion:
    @staticmethod
    def reduce_metrics(logging_outputs: Any) -> None:
        metrics.log_scalar("loss", logging_outputs[0]["loss"], round=3)


def test_meters_of_every_kind(write_and_read) -> None:
    for kind in (meters.AverageMeter, meters.SumMeter, meters.TimeMeter, meters.StopwatchMeter):
        meter = kind()
        if kind is not meters.StopwatchMeter:
            meter.update(np.float32(1.5))
        write_and_read(extra_state=meter.state_dict())


def configured(*arguments: str) -> Any:
    """Return the configuration that fairseq-train would make of these arguments."""
    parser = options.get_training_parser()
    args = options.parse_args_and_arch(parser, ["data", "--arch", "transformer", "--lr", "0.1", *arguments])
    return convert_namespace_to_omegaconf(args)


OPTIMIZERS = sorted({*optim.OPTIMIZER_REGISTRY, "adam --use-old-adam"} - NOT_HERE)
NAMES = sorted(LR_SCHEDULER_REGISTRY.keys() - NOT_HERE - BROKEN)


@pytest.mark.parametrize(
    ("optimizer_name", "name"), [*zip(OPTIMIZERS, NAMES), *(("sgd", name) for name in NAMES[len(OPTIMIZERS) :])]
)
def test_every_optimizer_and_every_schedule(write_and_read, optimizer_name: str, name: str) -> None:
    schedule_options = SCHEDULES.get(name, "").split()
    cfg = configured("--optimizer", *optimizer_name.split(), "--lr-scheduler", name, *schedule_options)
    parameters = [torch.nn.Parameter(torch.ones(3, 2)), torch.nn.Parameter(torch.ones(3))]
    optimizer = optim.build_optimizer(cfg.optimizer, parameters)
    schedule = build_lr_scheduler(cfg.lr_scheduler, optimizer)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    schedule.step_begin_epoch(1)
    schedule.step_update(1)
    schedule.step(1, np.float64(2.5))
    container = OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)
    held = write_and_read(optimizer=optimizer.state_dict(), schedule=schedule.state_dict(), cfg=container)
    optimizer.load_state_dict(held["optimizer"])
    schedule.load_state_dict(held["schedule"])


def test_moving_averages(write_and_read) -> None:
    ema = build_ema(torch.nn.Linear(2, 2), EMAConfig(store_ema=True, ema_fp32=True), torch.device("cpu"))
    write_and_read(extra_state={"ema": ema.get_model().state_dict(), "ema_fp32_params": ema.fp32_params})


def test_the_options_of_every_task_and_criterion(write_and_read) -> None:
    for registry in (TASK_DATACLASS_REGISTRY, CRITERION_DATACLASS_REGISTRY, {"": FairseqConfig}):
        for kind in registry.values():
            write_and_read(cfg=OmegaConf.to_container(OmegaConf.structured(kind), enum_to_str=True))


def test_choices_among_the_arguments(write_and_read) -> None:
    choice = DDP_BACKEND_CHOICES.legacy_ddp
    held = write_and_read(cfg={"model": Namespace(ddp_backend=choice)}, args=None)
    assert vars(held["cfg"]["model"]) == {"ddp_backend": "legacy_ddp"}
