"""A training that was asked to leave (`leaving`) saves after the update at hand, in all of its processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairseq import checkpoint_utils

from mtdeep.fairseq_plugin import leaving
from mtdeep.fairseq_plugin.going_on import going_on


class EarlyEnd:
    """Who has been asked to leave, as the processes of a training agree on it.

    They do so in what they sum at each update anyway.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._asked: Sequence[bool] = (False,) * len(leaving.SIGNALS)
        self._is_saved = False

    @property
    def numbers(self) -> list[float]:
        """What to sum over the processes: by signal, whether this one has had it."""
        return [float(was_asked) for was_asked in leaving.asked()]

    def take(self, sums: Sequence[float]) -> None:
        """Take the sums of all processes' numbers."""
        self._asked = [value > 0 for value in sums]

    def leave_if_asked(self, iterator: Any) -> None:
        """Save, without a validation, and end the process, where any of them has been asked to.

        After its last update a training ends by itself, and may be killed in the validation before: it saves at once.
        iterator: over the training data, whose place is saved.
        """
        trainer = self._trainer
        asked = leaving.asked() if trainer.data_parallel_world_size == 1 else self._asked
        for number, is_asked in zip(leaving.SIGNALS, asked, strict=True):
            if is_asked and not self._is_saved:
                self._is_saved = True
                options = trainer.cfg.checkpoint
                checkpoint_utils.save_checkpoint(options, trainer, iterator, None)
                if trainer.is_over or 0 < trainer.cfg.optimization.max_epoch < iterator.next_epoch_idx:
                    return
                leaving.leave(number, going_on(options) if trainer.is_data_parallel_master else "")
