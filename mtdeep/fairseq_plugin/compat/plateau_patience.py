"""`--lr-scheduler reduce_lr_on_plateau` forgets in a checkpoint how long it has waited (`--lr-patience`)."""

from __future__ import annotations

import sys
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.optim.lr_scheduler.reduce_lr_on_plateau"
COUNT = "num_bad_epochs"


def _schedule() -> Any:
    return sys.modules[MODULE].ReduceLROnPlateauLRSchedule


def needed() -> bool:
    """Whether fairseq still leaves the count out."""
    return COUNT not in _schedule().state_dict.__code__.co_consts


def apply() -> None:
    """Keep the count beside the best score."""
    schedule = _schedule()
    original_state, original_load = schedule.state_dict, schedule.load_state_dict

    @wraps(original_state)
    def state_dict(self: Any) -> dict[str, Any]:
        return {**original_state(self), COUNT: self.lr_scheduler.num_bad_epochs}

    @wraps(original_load)
    def load_state_dict(self: Any, state_dict: dict[str, Any]) -> None:
        original_load(self, state_dict)
        if COUNT in state_dict:
            self.lr_scheduler.num_bad_epochs = state_dict[COUNT]

    schedule.state_dict, schedule.load_state_dict = state_dict, load_state_dict


PATCH = Patch(
    name="plateau_patience",
    mends="a training that goes on waits anew for --lr-patience",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/optim/lr_scheduler/reduce_lr_on_plateau.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "ReduceLROnPlateauLRSchedule", "state_dict"),
)
