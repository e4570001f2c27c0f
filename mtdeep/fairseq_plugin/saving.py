"""A checkpoint ends a training with one sentence, in all of its processes, where the disk does not take it.

So does one that is written, where the training was to stop and the user is to know why.
"""

from __future__ import annotations

import logging
from functools import wraps
from typing import Any

from fairseq import checkpoint_utils

from mtdeep.durable import refusal
from mtdeep.fairseq_plugin.going_on import what_is_kept
from mtdeep.fairseq_plugin.processes import liveness
from mtdeep.fairseq_plugin.raised_by_all import raised_by_all

logger = logging.getLogger(__name__)
_save_checkpoint = checkpoint_utils.save_checkpoint


@wraps(_save_checkpoint)
def save_checkpoint(cfg: Any, trainer: Any, epoch_itr: Any, val_loss: float | None) -> None:
    """Save what is due, where there is anything new.

    Raises UserError, which says what is whole and what goes on, where it cannot be written; and, once it is written,
    where the training does not hear its source and is to end for that.
    """
    with raised_by_all(trainer):
        try:
            if trainer.has_news:
                with liveness.saving:  # its file, and the others that are made of it
                    _save_checkpoint(cfg, trainer, epoch_itr, val_loss)
            else:
                logger.info("the training was over before, and its last checkpoint is there: nothing new to save")
        except OSError as error:
            where = error.filename or cfg.save_dir
            raise refusal(where, error.strerror, "make room", what_is_kept(cfg)) from error
        trainer.source_watch.end_training()


checkpoint_utils.save_checkpoint = save_checkpoint
