"""`--lr-scheduler reduce_lr_on_plateau` forgets in a checkpoint how long it has waited (`--lr-patience`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.optim.lr_scheduler.reduce_lr_on_plateau"
COUNT = "num_bad_epochs"


def needed() -> bool:
    """Whether fairseq still leaves the count out."""
    return not uses(MODULE, "ReduceLROnPlateauLRSchedule.state_dict", COUNT)


def writing_the_count(original: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """Return a schedule's `state_dict`, which keeps the count beside the best score."""

    @wraps(original)
    def state_dict(self: Any) -> dict[str, Any]:
        return {**original(self), COUNT: self.lr_scheduler.num_bad_epochs}

    return state_dict


def reading_the_count(original: Callable[..., None]) -> Callable[..., None]:
    """Return a schedule's `load_state_dict`, which takes the count where there is one."""

    @wraps(original)
    def load_state_dict(self: Any, state_dict: dict[str, Any]) -> None:
        original(self, state_dict)
        if COUNT in state_dict:
            self.lr_scheduler.num_bad_epochs = state_dict[COUNT]

    return load_state_dict


PATCH = replacement(
    name="plateau_patience",
    mends="a training that goes on waits anew for --lr-patience",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/optim/lr_scheduler/reduce_lr_on_plateau.py (no thread found)",
    module=MODULE,
    needed=needed,
    places={
        "ReduceLROnPlateauLRSchedule.state_dict": writing_the_count,
        "ReduceLROnPlateauLRSchedule.load_state_dict": reading_the_count,
    },
)
