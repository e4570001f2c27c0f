"""How far a training that warms up its branches has come, on which the function of its checkpoint depends."""

from __future__ import annotations

from typing import NamedTuple

from mtdeep.errors import UserError
from mtdeep.nn.config import Config


class UnfinishedWarmUp(NamedTuple):
    """A warm-up that goes on: T, and the updates made. Where both are equal, so are the factors of all branches."""

    T: int
    updates: int


def unfinished_warm_up(config: Config, updates: int | None) -> UnfinishedWarmUp | None:
    """Return the warm-up of a model that has had so many updates; None: every branch has its whole weight.

    Raises UserError as `check_updates` does.
    """
    check_updates(config, updates)
    if config.branch_warm_up is None or updates is None or updates >= config.branch_warm_up_end:
        return None
    return UnfinishedWarmUp(config.branch_warm_up, updates)


def check_updates(config: Config, updates: int | None) -> None:
    """Raise UserError when a checkpoint does not record its updates, and the weight of its branches depends on them."""
    if config.branch_warm_up is not None and updates is None:
        raise UserError(
            "does not record how many updates it has had, on which the weight of its branches depends (branch_warm_up "
            f"{config.branch_warm_up}); give a checkpoint*.pt file that fairseq-train wrote."
        )
