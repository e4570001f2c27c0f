"""`--save-interval-updates` writes nothing where an epoch ends: with epochs of as many updates, never anything.

fairseq names a checkpoint by its epoch or by its updates, and at the end of an epoch by the epoch alone; nor does it
remove what `--keep-interval-updates` gives up there. Where both are due, the checkpoint is saved here as in the middle
of an epoch, and once more as at its end, by copying.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.overlay import Overlay
from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.checkpoint_utils"


def saving_both_kinds(original: Callable[..., None]) -> Callable[..., None]:
    """Return what saves both kinds of checkpoint where both are due."""
    manager: Any = sys.modules[MODULE].PathManager

    @wraps(original)
    def save_checkpoint(cfg: Any, trainer: Any, epoch_itr: Any, val_loss: float | None) -> None:
        interval = cfg.save_interval_updates
        if not epoch_itr.end_of_epoch() or interval <= 0 or trainer.get_num_updates() % interval:
            original(cfg, trainer, epoch_itr, val_loss)
            return
        written: list[str] = []

        def save(filename: str, extra_state: dict[str, Any]) -> None:
            trainer.save_checkpoint(filename, extra_state)
            written.append(filename)

        def copy(filename: str, extra_state: dict[str, Any]) -> None:
            manager.copy(written[0], filename, overwrite=True)

        in_the_middle = Overlay(epoch_itr, end_of_epoch=lambda: False)
        original(cfg, Overlay(trainer, save_checkpoint=save), in_the_middle, val_loss)
        # Nothing but the epoch's own checkpoint, with nothing gathered again from other processes.
        copying = Overlay(
            trainer,
            save_checkpoint=copy,
            consolidate_optimizer=lambda: None,
            always_call_state_dict_during_save_checkpoint=False,
        )
        original(Overlay(cfg, no_last_checkpoints=True, keep_best_checkpoints=0), copying, epoch_itr, None)

    return save_checkpoint


PATCH = replacement(
    name="update_checkpoints",
    mends="--save-interval-updates writes nothing where an epoch ends",
    ticket="facebookresearch/fairseq#2230",
    module=MODULE,
    needed=partial(uses, MODULE, "save_checkpoint", "save_interval_updates"),
    places={"save_checkpoint": saving_both_kinds},
)
