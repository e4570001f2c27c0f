"""What ``--guard`` does to a training: updates left out and their batches kept, an earlier checkpoint, an end."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fairseq.distributed import utils as distributed_utils

from mtdeep.checkpoint.intact import is_intact
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.deep_model import unwrapped
from mtdeep.fairseq_plugin.faulty_layer import faulty_layer
from mtdeep.fairseq_plugin.going_on import going_on
from mtdeep.fairseq_plugin.guard import IN_A_ROW, Guard, SpoiltUpdate
from mtdeep.fairseq_plugin.loss_scale import is_scaled, skipped
from mtdeep.fairseq_plugin.raised_by_all import of_the_first, raised_by_all
from mtdeep.fairseq_plugin.reading_options import last_checkpoint
from mtdeep.fairseq_plugin.source_watch import PLAIN_STEPS
from mtdeep.fairseq_plugin.spoilt_batches import FOLDER, keep_batches

logger = logging.getLogger(__name__)
KEY = "guard"
Samples = Sequence[dict[str, Any]]
T = TypeVar("T")


class Guarding:
    """A training and its guard; every process of the training has one, and all do the same."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._guard = Guard()

    def look(self, norm: float) -> None:
        """Take the norm of an update's gradient; raises SpoiltUpdate when the update is to be skipped."""
        self._guard.look(norm, scaled=is_scaled(self._trainer.optimizer))

    def skip(self, samples: Samples, spoilt: SpoiltUpdate) -> None:
        """Leave an update out and keep its batches; where that has not helped, go back.

        Raises UserError where there is nothing to go back to, or that has not helped either.
        """
        trainer = self._trainer
        updates, folder = trainer.get_num_updates(), Path(trainer.cfg.checkpoint.save_dir)
        layer = self._faulty_layer(samples)
        kept = keep_batches(folder, samples, updates, trainer.data_parallel_rank)
        where = f"; its batch is in {kept}" if kept else ""
        logger.warning(f"the update after {updates:,} is skipped, as {spoilt} ({layer}){where}")
        skipped(trainer.optimizer)
        trainer.zero_grad()
        if not self._guard.gives_up:
            return
        with raised_by_all(trainer):
            newest = str(self._newest(layer, folder)) if trainer.is_data_parallel_master else ""
        newest = of_the_first(trainer, newest)
        with raised_by_all(trainer):
            if not all(self._of_all(Path(newest).exists())):
                raise UserError(f"{newest}: the training would go back to it, and not all processes see it.")
        trainer.go_back(newest)
        self._guard.went_back()

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint has to hold."""
        return {KEY: self._guard.state()}

    def restore(self, extra_state: Mapping[str, Any] | None) -> None:
        """Go on from what a checkpoint holds, or anew."""
        self._guard = Guard()
        if extra_state is not None and KEY in extra_state:
            self._guard.restore(extra_state[KEY])

    def _newest(self, layer: str, folder: Path) -> Path:
        """Return the newest checkpoint of this training; raises UserError where there is none, or it has not helped."""
        own = self._trainer.own_checkpoint
        paths = [Path(own), last_checkpoint(self._trainer.cfg.checkpoint)] if own is not None else []
        whole = next((path for path in paths if is_intact(path)), None)
        if whole is not None and self._guard.may_go_back:
            logger.warning(f"{IN_A_ROW} updates in a row were spoilt: the training goes back to {whole}")
            return whole
        why = "before there was a checkpoint" if whole is None else "again, soon after the training went back"
        raise UserError(
            f"{IN_A_ROW} updates in a row were spoilt, {why}: {layer}; look at their batches, in {folder / FOLDER}, or "
            f"lower --lr; {going_on(self._trainer.cfg.checkpoint)}."
        )

    def _faulty_layer(self, samples: Samples) -> str:
        """Return what a process finds at fault in its part of the batch: the first of those whose output is."""
        trainer = self._trainer
        model, criterion = unwrapped(trainer.get_model()), trainer.get_criterion()

        def forward() -> None:
            if type(trainer.task).valid_step in PLAIN_STEPS:  # others change a batch before its criterion scores it
                for sample in samples:
                    criterion(model, trainer._prepare_sample(sample)[0])

        layer = faulty_layer(model, forward)
        layers = self._of_all(layer)
        return next((each for each in layers if "output" in each), layers[0])

    def _of_all(self, value: T) -> list[T]:
        """Return what each process has."""
        trainer = self._trainer
        if trainer.data_parallel_world_size == 1:
            return [value]
        values: list[T] = distributed_utils.all_gather_list(value, group=trainer.data_parallel_process_group)
        return values
