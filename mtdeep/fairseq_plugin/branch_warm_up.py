"""A warm-up of the branches within a training: that it comes to its end, and goes on where a checkpoint has left it.

Updates are counted by fairseq's trainer, which begins at 0 again where it is not given the optimizer's state.
"""

from __future__ import annotations

import math
from typing import Any

from mtdeep.checkpoint.branch_warm_up import unfinished_warm_up
from mtdeep.errors import UserError
from mtdeep.nn import Config


def check_end(config: Config, optimization: Any, batches: int) -> None:
    """Raise UserError when some branches would not have their whole weight at the end of the training.

    batches: those of an epoch in each process, from which the end follows where --max-epoch sets it.
    """
    end, updates = config.branch_warm_up_end, last_update(optimization, batches)
    if config.branch_warm_up is None or end <= updates:
        return
    layers = end // config.branch_warm_up
    remedy = f"give {updates // layers} at most, or " if updates >= layers else ""
    raise UserError(
        f"--branch-warm-up {config.branch_warm_up}: the branches of layer {layers} have their whole weight after "
        f"{end:,} updates, but the training ends after {updates:,}; {remedy}train for longer."
    )


def last_update(optimization: Any, batches: int) -> float:
    """Return after how many updates --max-update or --max-epoch ends a training; infinity without either."""
    whole = math.floor if optimization.skip_remainder_batch else math.ceil
    freqs = optimization.update_freq
    of_epochs = (whole(batches / freqs[min(epoch, len(freqs) - 1)]) for epoch in range(optimization.max_epoch))
    by_epochs = sum(of_epochs) if optimization.max_epoch > 0 else math.inf
    return min(by_epochs, optimization.max_update or math.inf)


def agree_on_warm_up(saved: Config, updates: int, here: Config, *, anew: bool) -> None:
    """Raise UserError when a training would go on with other weights of the branches than a checkpoint's.

    updates: those that the checkpoint has had. anew: the training counts from 0.
    """
    before, now = unfinished_warm_up(saved, updates), unfinished_warm_up(here, 0 if anew else updates)
    if before == now:
        return
    if before is None:
        raise UserError(
            f"its branches have their whole weight, which --branch-warm-up {here.branch_warm_up} would take from them; "
            "leave that out."
        )
    remedy = f"give --branch-warm-up {before.T}"
    if anew:
        remedy = (
            "they would begin anew, as updates are counted from 0: go on with the optimizer's state, without "
            "--reset-optimizer and --finetune-from-model"
        )
    raise UserError(
        f"its branches have had {before.updates:,} of the {saved.branch_warm_up_end:,} updates of their warm-up; "
        f"{remedy}."
    )
