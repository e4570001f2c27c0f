"""`fairseq-validate --distributed-world-size N` ends in a KeyError where N does not divide the number of batches.

Processes that have a batch less get an empty one in its place. A training passes over it; this command does not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.overlay import Overlay
from mtdeep.fairseq_plugin.compat.patch import Patch

MODULE = "fairseq_cli.validate"


def passing_over_nothing(valid_step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a task's `valid_step` that has nothing to log of a batch without examples."""

    @wraps(valid_step)
    def step(sample: Any, *arguments: Any, **options: Any) -> Any:
        return valid_step(sample, *arguments, **options) if sample else (0.0, 0, {})

    return step


def needed() -> bool:
    """Return whether the command still takes its steps by the task that it loads."""
    return "valid_step" in sys.modules[MODULE].main.__code__.co_names


def apply() -> None:
    """Let the command load tasks that pass over empty batches."""
    module: Any = sys.modules[MODULE]
    load = module.checkpoint_utils.load_model_ensemble_and_task

    @wraps(load)
    def load_model_ensemble_and_task(*arguments: Any, **options: Any) -> Any:
        models, cfg, task = load(*arguments, **options)
        task.valid_step = passing_over_nothing(task.valid_step)
        return models, cfg, task

    module.checkpoint_utils = Overlay(
        module.checkpoint_utils, load_model_ensemble_and_task=load_model_ensemble_and_task
    )


def active() -> bool:
    """Return whether the command sees the functions on checkpoints through an overlay."""
    module: Any = sys.modules.get(MODULE)
    return module is not None and isinstance(module.checkpoint_utils, Overlay)


PATCH = Patch(
    name="validate_processes",
    mends="fairseq-validate in several processes ends in a KeyError where they have not the same number of batches",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq_cli/validate.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=active,
)
