"""Options that say which checkpoint a training begins with, and what is taken from it."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairseq.file_io import PathManager

DEFAULT_RESTORE_FILE = "checkpoint_last.pt"
RESETS = ("reset_optimizer", "reset_lr_scheduler", "reset_meters", "reset_dataloader")


def reading_problems(cfg: Any) -> Iterator[str]:
    """One phrase for each checkpoint that is not there, and for what cannot go together."""
    options = cfg.checkpoint
    if options.restore_file != DEFAULT_RESTORE_FILE:
        if options.finetune_from_model:
            yield "--finetune-from-model and --restore-file contradict each other; give one of them"
        if not _in_parts(cfg) and not PathManager.isfile(_with_suffix(options.restore_file, options)):
            yield (
                f"--restore-file {options.restore_file} does not exist (it is looked for in the working folder, not in "
                "--save-dir); give its path, or leave it out to go on with the last checkpoint"
            )
    elif not _goes_on(options) and not _in_parts(cfg):
        yield from _missing_start(options)
    resets = [f"--{name.replace('_', '-')}" for name in RESETS if options[name]]
    if options.finetune_from_model and resets:
        yield f"--finetune-from-model resets all of the training's state; leave {' and '.join(resets)} out"
    if not _is_dictionary(options.optimizer_overrides):
        yield (
            f"--optimizer-overrides {options.optimizer_overrides} is not a dictionary of Python's; write it as "
            "\"{'lr': 3}\""
        )


def last_checkpoint(options: Any) -> Path:
    """Return the file that a training goes on with unless another one is given."""
    return Path(options.save_dir) / _with_suffix(DEFAULT_RESTORE_FILE, options)


def _missing_start(options: Any) -> Iterator[str]:
    """What a first launch would begin with and cannot; a later one goes on with what the folder holds."""
    for name in ("continue_once", "finetune_from_model"):
        path = options.get(name)
        if path and not PathManager.exists(path):
            yield f"--{name.replace('_', '-')} {path} does not exist; give the path of a checkpoint"


def _goes_on(options: Any) -> bool:
    return bool(PathManager.exists(str(last_checkpoint(options))))


def _with_suffix(name: str, options: Any) -> str:
    return name.replace(".pt", f"{options.checkpoint_suffix}.pt") if options.checkpoint_suffix else name


def _in_parts(cfg: Any) -> bool:
    """Whether each process reads a file of its own, whose name it makes up when it has begun."""
    parallel = cfg.common.model_parallel_size > 1 or getattr(cfg.model, "base_layers", 0) > 0
    return parallel or cfg.distributed_training.use_sharded_state


def _is_dictionary(text: str) -> bool:
    try:
        return isinstance(literal_eval(text), dict)
    except (ValueError, SyntaxError):
        return False
