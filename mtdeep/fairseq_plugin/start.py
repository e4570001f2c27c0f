"""What is looked at before a command of fairseq begins: what can be known then is said then, in one sentence.

Every command hands its configuration and its main function to `distributed.utils.call_main`, before any worker is
started and before any data is read; so do command lines and configuration files alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial, wraps
from pathlib import Path
from types import FunctionType
from typing import Any

from fairseq import utils
from fairseq.distributed import utils as distributed_utils
from fairseq.models import ARCH_MODEL_REGISTRY, FairseqEncoderDecoderModel
from fairseq.registry import REGISTRIES
from fairseq.tasks import TASK_REGISTRY
from omegaconf import DictConfig, OmegaConf

from mtdeep.durable import check_folder
from mtdeep.errors import UserError, nearest
from mtdeep.fairseq_plugin import depth_rates
from mtdeep.fairseq_plugin.compat.gpus import uses_gpus
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel
from mtdeep.fairseq_plugin.fairseq_options.option import Use
from mtdeep.fairseq_plugin.fairseq_options.packages import missing_packages
from mtdeep.fairseq_plugin.fairseq_options.refusals import refusals, without_effect
from mtdeep.fairseq_plugin.going_on import going_on
from mtdeep.fairseq_plugin.hydra_train import ending_jobs
from mtdeep.fairseq_plugin.interruption import interrupted_training
from mtdeep.fairseq_plugin.leaving import handed_on, run_heeding
from mtdeep.fairseq_plugin.model_overrides import model_overrides
from mtdeep.fairseq_plugin.processes.launch import follow_launcher
from mtdeep.fairseq_plugin.processes.liveness import ended_by_a_lost_process
from mtdeep.fairseq_plugin.reading_options import reading_problems
from mtdeep.fairseq_plugin.tasks import reads_store
from mtdeep.fairseq_plugin.unsuited import chosen, unsuited_model

logger = logging.getLogger(__name__)
LOWER_IS_BETTER = ("loss", "nll_loss", "ppl")
HIGHER_IS_BETTER = ("bleu", "accuracy")
USES = {"train": Use.TRAIN, "validate": Use.VALIDATE, "eval_lm": Use.EVAL_LM}
EVALUATIONS = ("validate", "eval_lm")


def check(command: str, cfg: Any) -> None:
    """Raise UserError with everything in *cfg* that cannot work in a command, named as its file in `fairseq_cli`."""
    utils.import_user_module(cfg.common)
    problems = refusals(cfg, use_of(command, cfg))
    if command == "train":
        problems += [*unnamed_parts(cfg), *unsuited_model(chosen(cfg, "model"), chosen(cfg, "task"))]
        problems += [*unknown_model_options(cfg), *contradictions(cfg), *reading_problems(cfg)]
        problems += depth_rates.problems(cfg.optimization.depth_rates or depth_rates.NO_RULE, cfg, model_class(cfg))
        problems += missing_packages(cfg)
    if command in EVALUATIONS and cfg.common_eval.path is None:
        problems.append("--path, the checkpoint to evaluate, is missing")
    if command in ("train", "validate") and cfg.dataset.max_tokens is None and cfg.dataset.batch_size is None:
        problems.append("the size of batches is missing; give --max-tokens or --batch-size")
    if problems:
        raise UserError("; ".join(problems) + ".")
    for phrase in without_effect(cfg):
        logger.warning(phrase)
    if command in EVALUATIONS:
        model_overrides(cfg, [cfg.common_eval.path])
    if command == "train":
        check_folder("--save-dir", Path(cfg.checkpoint.save_dir))
        warn(cfg)


def use_of(command: str, cfg: Any) -> Use:
    """Return what a command is used for; none of those that translate, which look at their options themselves."""
    use = USES.get(command, Use(0))
    if command == "train" and issubclass(model_class(cfg), FairseqDeepModel):
        use |= Use.TRAIN_MODEL
    if command == "train" and reads_store(chosen(cfg, "task")):
        use |= Use.TRAIN_STORE
    return use


def model_class(cfg: Any) -> type:
    """Return the class of the model; of one that is not known `object`."""
    return ARCH_MODEL_REGISTRY.get(chosen(cfg, "model"), object)


def unnamed_parts(cfg: Any) -> Iterator[str]:
    """One phrase for each part of a training that is missing, or has a name that nobody knows."""
    registries = {"task": TASK_REGISTRY, "model": ARCH_MODEL_REGISTRY}
    registries |= {part: REGISTRIES[part]["registry"] for part in ("criterion", "optimizer", "lr_scheduler")}
    for part, known in registries.items():
        name = chosen(cfg, part)
        words = "--arch" if part == "model" else f"--{part.replace('_', '-')}"
        if name is None:
            yield f"{words} is missing (in a configuration file, {part}: {{_name: ...}})"
        elif name not in known:
            yield f"{words} {name!r} does not exist{nearest(name, known)}"
    if isinstance(cfg.task, DictConfig) and OmegaConf.is_missing(cfg.task, "data"):
        yield "the data are missing; name their folder (the first argument, or task.data)"


def unknown_model_options(cfg: Any) -> Iterator[str]:
    """One phrase for each option of a configuration file that the model does not have; flags are argparse's affair."""
    name, model = chosen(cfg, "model"), model_class(cfg)
    if isinstance(cfg.model, DictConfig) and issubclass(model, FairseqDeepModel):
        options = model.options()
        for option in cfg.model:
            if option in model.from_task:
                yield f"model.{option} is an option of the task; write it as task.{option}"
            elif option not in options | {"_name"}:
                yield f"the model {name} has no option {option!r}{nearest(str(option), options)}"


def contradictions(cfg: Any) -> Iterator[str]:
    """One phrase for each set of options that cannot go together."""
    if min(cfg.optimization.update_freq) < 1:
        yield f"--update-freq is {min(cfg.optimization.update_freq)}, but must be at least 1"
    if chosen(cfg, "lr_scheduler") == "inverse_sqrt" and cfg.lr_scheduler.warmup_updates < 1:
        yield (
            f"--lr-scheduler inverse_sqrt: --warmup-updates is {cfg.lr_scheduler.warmup_updates}, but must be at least "
            "1; for a rate that starts in full take --lr-scheduler piecewise"
        )
    precisions = [name for name in ("fp16", "bf16", "amp") if cfg.common[name]]
    if len(precisions) > 1:
        yield f"{' and '.join('--' + name for name in precisions)} contradict each other; give one of them"
    if cfg.common.fp16 and not cfg.common.memory_efficient_fp16 and not uses_accelerator(cfg):
        yield "--fp16 needs a GPU; on a CPU give --amp or --bf16"
    has_source = issubclass(model_class(cfg), FairseqEncoderDecoderModel) or model_class(cfg) is object
    if cfg.optimization.stop_without_source and not has_source:
        yield f"--stop-without-source: {chosen(cfg, 'model')} is no encoder-decoder and has no source; leave it out"
    if cfg.optimization.guard:
        backend = cfg.distributed_training.ddp_backend
        apart = {  # whose processes do not see the same gradient, the whole model, or the same file
            "--use-bmuf": cfg.optimization.use_bmuf,
            f"--ddp-backend {backend}": backend in ("slowmo", "fully_sharded"),
            "--use-sharded-state": cfg.distributed_training.use_sharded_state,
            "--base-layers": getattr(cfg.model, "base_layers", 0) > 0,
        }
        yield from (f"--guard and {other} do not go together" for other, is_given in apart.items() if is_given)
    yield from ema_contradictions(cfg)
    if getattr(cfg.task, "eval_bleu", False) and cfg.distributed_training.ddp_backend == "fully_sharded":
        yield "--eval-bleu and --ddp-backend fully_sharded do not go together"
    if cfg.dataset.disable_validation:
        options = {name: cfg.checkpoint[name] for name in ("patience", "keep_best_checkpoints")}
        options["stop_without_source"] = cfg.optimization.stop_without_source
        for name, value in options.items():
            if value > 0:
                yield f"--{name.replace('_', '-')} needs validation; leave --disable-validation out"


def ema_contradictions(cfg: Any) -> Iterator[str]:
    """One phrase for each thing that a moving average of the weights cannot be."""
    if not cfg.ema.store_ema:
        return
    if not 0 <= cfg.ema.ema_decay < 1:
        yield f"--ema-decay is {cfg.ema.ema_decay:g}, but must be at least 0 and below 1"
    if cfg.distributed_training.ddp_backend == "fully_sharded":
        yield "--store-ema and --ddp-backend fully_sharded do not go together"


def uses_accelerator(cfg: Any) -> bool:
    """Whether the training is on GPUs or TPUs."""
    return cfg.common.tpu or uses_gpus(cfg)


def warn(cfg: Any) -> None:
    """Warn when the best checkpoint would be the worst."""
    metric, maximize = cfg.checkpoint.best_checkpoint_metric, cfg.checkpoint.maximize_best_checkpoint_metric
    if maximize and metric in LOWER_IS_BETTER:
        logger.warning(f"--maximize-best-checkpoint-metric keeps the checkpoint with the highest {metric}: the worst")
    if not maximize and metric.startswith(HIGHER_IS_BETTER):
        logger.warning(
            f"without --maximize-best-checkpoint-metric the checkpoint with the lowest {metric} is kept: the worst"
        )


_call_main = distributed_utils.call_main


@wraps(_call_main)
def call_main(cfg: Any, main: Callable[..., None], **options: Any) -> None:
    """Run *main* in this process or in workers, when nothing speaks against it."""
    command = Path(main.__code__.co_filename).stem if isinstance(main, FunctionType) else None
    if command != "train":
        with ending_jobs():
            if command is not None:
                check(command, cfg)
            if command == "validate":
                follow_launcher(cfg)
            with ended_by_a_lost_process(None):
                _call_main(cfg, main, **options)
        return
    with ending_jobs(), interrupted_training(cfg):
        check(command, cfg)
        follow_launcher(cfg)
        with ended_by_a_lost_process(partial(going_on, cfg.checkpoint)), handed_on():
            _call_main(cfg, partial(run_heeding, main), **options)


distributed_utils.call_main = call_main
