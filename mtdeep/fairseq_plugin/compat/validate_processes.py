"""`fairseq-validate --distributed-world-size N` ends in a KeyError where N does not divide the number of batches.

Processes that have a batch less get an empty one in its place. A training passes over it; this command does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq_cli.validate"


def passing_over_nothing(valid_step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a task's `valid_step` that has nothing to log of a batch without examples."""

    @wraps(valid_step)
    def step(sample: Any, *arguments: Any, **options: Any) -> Any:
        return valid_step(sample, *arguments, **options) if sample else (0.0, 0, {})

    return step


def with_lenient_task(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what loads models for the command, with a task that passes over empty batches."""

    @wraps(original)
    def load_model_ensemble_and_task(*arguments: Any, **options: Any) -> Any:
        models, cfg, task = original(*arguments, **options)
        task.valid_step = passing_over_nothing(task.valid_step)
        return models, cfg, task

    return load_model_ensemble_and_task


PATCH = replacement(
    name="validate_processes",
    mends="fairseq-validate in several processes ends in a KeyError where they have not the same number of batches",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq_cli/validate.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "main", "valid_step"),
    places={"checkpoint_utils.load_model_ensemble_and_task": with_lenient_task},
)
