"""fairseq's trainer with what we add to the training loop; takes its place when fairseq is imported.

Patches mend what is broken (``compat``); new behaviour of the loop goes here.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import fairseq.trainer
import torch
from fairseq.criterions import FairseqCriterion
from fairseq.data.iterators import EpochBatchIterating, EpochBatchIterator
from fairseq.models import BaseFairseqModel
from fairseq.optim.lr_scheduler import build_lr_scheduler
from fairseq.tasks import FairseqTask
from torch import Tensor

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin import depth_rates, ema, loss_scale, validation_history
from mtdeep.fairseq_plugin.branch_warm_up import check_end
from mtdeep.fairseq_plugin.deep_model import deep_model, unwrapped
from mtdeep.fairseq_plugin.early_end import EarlyEnd
from mtdeep.fairseq_plugin.early_stopping import stop_also
from mtdeep.fairseq_plugin.first_validation import look_ahead
from mtdeep.fairseq_plugin.guard import SpoiltUpdate
from mtdeep.fairseq_plugin.guarding import Guarding
from mtdeep.fairseq_plugin.masters import Unrounded, unround
from mtdeep.fairseq_plugin.raised_by_all import raised_by_all
from mtdeep.fairseq_plugin.reading_options import last_checkpoint
from mtdeep.fairseq_plugin.restoring import agreeing, undamaged
from mtdeep.fairseq_plugin.room import check_room
from mtdeep.fairseq_plugin.run_record import record_start
from mtdeep.fairseq_plugin.source_watch import SourceWatch
from mtdeep.fairseq_plugin.validation_bleu import ValidationBleu
from mtdeep.nn.factored_steps import FactoredSteps
from mtdeep.nn.factors import DepthRates


class Trainer(fairseq.trainer.Trainer):
    """Goes on with all that the loop knew, looks ahead to what comes, and ends where it is asked to."""

    goes_on = False
    """Whether the optimizer is that of a checkpoint."""
    _first_update = 0
    _start_time: float
    _began_at_its_end = False
    """Whether this process goes on with a training that is over."""
    own_checkpoint: str | None = None
    """The last that this training has written, or begun with."""
    _training_data: EpochBatchIterating | None = None

    def __init__(
        self,
        cfg: Any,
        task: FairseqTask,
        model: BaseFairseqModel,
        criterion: FairseqCriterion,
        quantizer: Any = None,
    ) -> None:
        """Remember what model and criterion are where they are rounded, until the optimizer has its masters."""
        self._unrounded = Unrounded(*((model, criterion) if cfg.common.fp16 or cfg.common.bf16 else ()))
        self._guarding = Guarding(self)
        self._early_end = EarlyEnd(self)
        super().__init__(cfg, task, model, criterion, quantizer)

    @property
    def rate_rule(self) -> DepthRates:
        """The rule by which the rates of this training depend on depth."""
        given: DepthRates | None = self.cfg.optimization.depth_rates
        return given or depth_rates.recorded_rule(self._optim_history if self.goes_on else None)

    def _build_optimizer(self) -> None:
        """Build the optimizer, in groups where a rule asks for them, and the schedule of its rate."""
        self._build_grouped_optimizer()
        self._unrounded.make_masters(self._optimizer)

    def _build_grouped_optimizer(self) -> None:
        if self.is_data_parallel_master:
            depth_rates.log_rule(self.rate_rule, self._optim_history, unwrapped(self._model))
        if self.rate_rule == depth_rates.NO_RULE:
            super()._build_optimizer()
            return
        with depth_rates.unflattened(self.cfg):
            super()._build_optimizer()
        factors = depth_rates.named_factors(self._model, self._criterion, self.rate_rule)
        FactoredSteps(self._optimizer.optimizer, factors)
        # Some schedules count the groups when they are made.
        self._lr_scheduler = build_lr_scheduler(self.cfg.lr_scheduler, self._optimizer)
        self._lr_scheduler.step_update(0)

    def _build_ema(self) -> None:
        """Build the moving average of the weights, if there is to be one; a task that uses its model has fairseq's."""
        if self.cfg.ema.store_ema and not getattr(self.task, "uses_ema", False):
            self._ema = ema.Ema(self)
        else:
            super()._build_ema()

    def state_dict(self) -> dict[str, Any]:
        """Return all that a checkpoint holds: weights in float32, and with the optimizer's the rule of its rates."""
        state: dict[str, Any] = super().state_dict()
        for part, module in (("model", self._model), ("criterion", self._criterion)):
            if state[part] is not None:
                unround(state[part], module, self.optimizer)
        if self.rate_rule != depth_rates.NO_RULE:
            state["optimizer_history"][-1][depth_rates.KEY] = self.rate_rule
        return state

    @cached_property
    def source_watch(self) -> SourceWatch:
        """What looks at each validation whether the model hears its source."""
        return SourceWatch(self)

    @cached_property
    def validation_bleu(self) -> ValidationBleu:
        """What scores translations at each validation."""
        return ValidationBleu(self)

    def save_checkpoint(self, filename: str, extra_state: dict[str, Any]) -> None:
        """Save the training, with what its loop remembers of validation, and how far its loss scale has come."""
        remembered = {
            validation_history.KEY: validation_history.validation_history(self.cfg.checkpoint),
            loss_scale.KEY: loss_scale.loss_scale(self.optimizer),
            **self._guarding.state(),
            **self.source_watch.state(),
        }
        super().save_checkpoint(filename, {**extra_state, **remembered})
        self.own_checkpoint = filename

    def load_checkpoint(
        self,
        filename: str,
        reset_optimizer: bool = False,
        reset_lr_scheduler: bool = False,
        optimizer_overrides: dict[str, Any] | None = None,
        reset_meters: bool = False,
    ) -> dict[str, Any] | None:
        """Load *filename* if it exists, or a whole one in place of a last one that is damaged.

        Raises UserError when it belongs to another model or dictionary.
        """
        self.goes_on = not reset_optimizer
        filename = undamaged(self, filename)
        with agreeing(self, filename):
            extra_state: dict[str, Any] | None = super().load_checkpoint(
                filename, reset_optimizer, reset_lr_scheduler, optimizer_overrides, reset_meters
            )
        ema.forget(extra_state)
        self._unrounded.make_masters(self._optimizer)  # of an optimizer that fairseq has not built anew
        stop_also(lambda: self.source_watch.ends_training)
        validation_history.restore(self.cfg.checkpoint, extra_state, anew=reset_optimizer or reset_meters)
        loss_scale.restore(self.optimizer, extra_state, anew=reset_optimizer)
        self._guarding.restore(None if reset_optimizer else extra_state)
        self.source_watch.restore(extra_state, anew=reset_optimizer or reset_meters)
        if reset_optimizer and reset_meters:  # another training, whose hours (--stop-time-hours) are not these
            self._previous_training_time = 0
        if extra_state is not None and not (reset_optimizer or reset_lr_scheduler):
            self._end_epoch(extra_state)
        self._first_update = self.get_num_updates()
        self._began_at_its_end = self.is_over and self._is_last(filename, extra_state)
        if extra_state is not None and not reset_optimizer:
            self.own_checkpoint = filename
        with raised_by_all(self):
            if self.is_data_parallel_master:
                check_room(self)
                record_start(self, filename if extra_state is not None else None)
        look_ahead(self)  # whether there is a checkpoint or not, this comes just before the training data is read
        return extra_state

    def get_train_iterator(self, epoch: int, *options: Any, **more: Any) -> EpochBatchIterating:
        """Return the iterator over the training data; raises UserError when an epoch of it would have no update."""
        iterator = super().get_train_iterator(epoch, *options, **more)
        self._training_data = iterator
        settings, batches = self.cfg.optimization, len(iterator)
        if settings.skip_remainder_batch and isinstance(iterator, EpochBatchIterator):
            batches -= 1  # fairseq's leaves its last batch out
        update_freq = settings.update_freq[min(epoch, len(settings.update_freq)) - 1]
        if batches < (update_freq if settings.skip_remainder_batch else 1):
            raise UserError(
                f"an epoch has {batches} batches in each process, too few for an update with --update-freq "
                f"{update_freq}: lower that or --max-tokens, or leave --skip-remainder-batch out."
            )
        if (model := deep_model(self._model)) is not None and self.get_num_updates() == self._first_update:
            check_end(model.config, settings, batches)
        return iterator

    def set_num_updates(self, num_updates: int) -> None:
        """Count an update, and tell our model: validation and checkpoints are of the function after it.

        fairseq tells it before each batch alone, which is before the update.
        """
        super().set_num_updates(num_updates)
        if (model := deep_model(self._model)) is not None:
            model.set_num_updates(num_updates)

    def get_valid_iterator(self, subset: str, *options: Any, **more: Any) -> EpochBatchIterating:
        """Return the iterator over a validation split."""
        iterator = super().get_valid_iterator(subset, *options, **more)
        self.source_watch.begin(subset, iterator)
        self.validation_bleu.begin(subset)
        return iterator

    def valid_step(self, sample: dict[str, Any], raise_oom: bool = False) -> dict[str, Any]:
        """Validate a batch, and leave as after an update; before the first of a split, look at the source and BLEU."""
        self.source_watch.look()
        self.validation_bleu.look()
        logged: dict[str, Any] = super().valid_step(sample, raise_oom)
        self._early_end.leave_if_asked(self._training_data)
        return logged

    def train_step(self, samples: Sequence[dict[str, Any]], raise_oom: bool = False) -> dict[str, Any] | None:
        """Make an update, or with ``--guard`` perhaps none; leave after it where the training has been asked to.

        fairseq's loop sees after an update alone that there were enough: a training that is over makes none here.
        """
        if self.is_over:
            return None
        try:
            logged: dict[str, Any] | None = super().train_step(samples, raise_oom)
        except SpoiltUpdate as spoilt:
            self._guarding.skip(samples, spoilt)
            logged = None
        self._early_end.leave_if_asked(self._training_data)
        return logged

    def clip_grad_norm(self, clip_norm: float) -> Tensor:
        """Clip the gradient, and return its norm before; raises SpoiltUpdate where ``--guard`` has it skipped."""
        norm: Tensor = super().clip_grad_norm(clip_norm)
        if self.cfg.optimization.guard:
            self._guarding.look(float(norm))
        if self.cfg.common.amp and not self.optimizer.scaler.is_enabled() and not torch.isfinite(norm):
            raise FloatingPointError("gradients are Nan/Inf")  # as fairseq has it where nothing would skip the update
        return norm

    def go_back(self, filename: str) -> None:
        """Take weights, optimizer and schedule from a checkpoint of this training; batches go on where they are."""
        self.goes_on = True
        times: tuple[Any, float] = self._previous_training_time, self._start_time
        overrides = literal_eval(self.cfg.checkpoint.optimizer_overrides)
        with agreeing(self, filename):
            extra_state = super().load_checkpoint(filename, optimizer_overrides=overrides, reset_meters=True)
        assert extra_state is not None
        self._previous_training_time, self._start_time = times
        self._unrounded.make_masters(self._optimizer)
        loss_scale.restore(self.optimizer, extra_state, anew=False)
        self._end_epoch(extra_state)

    def _aggregate_logging_outputs(
        self, logging_outputs: list[dict[str, Any]], *numbers: float, ignore: bool = False
    ) -> tuple[list[dict[str, Any]], list[float]]:
        """Add up *numbers* over the processes, and beside them who has been asked to leave."""
        logging_outputs, sums = super()._aggregate_logging_outputs(
            logging_outputs, *numbers, *self._early_end.numbers, ignore=ignore
        )
        self._early_end.take(sums[len(numbers) :])
        return logging_outputs, sums[: len(numbers)]

    @property
    def is_over(self) -> bool:
        """Whether all updates are made that are wanted."""
        return 0 < self.cfg.optimization.max_update <= self.get_num_updates()

    @property
    def has_news(self) -> bool:
        """Whether there is more to save than the last checkpoint has, with which this process began."""
        return not self._began_at_its_end or self.get_num_updates() != self._first_update

    def _end_epoch(self, extra_state: dict[str, Any]) -> None:
        """Let the learning rate's schedule see the last validation, which fairseq shows it after it has saved."""
        position, score = extra_state["train_iterator"], extra_state.get("val_loss")
        if score is not None and position.get("iterations_in_epoch") == 0:
            self.lr_scheduler.step(position["epoch"] - 1, score)

    def _is_last(self, filename: str, extra_state: dict[str, Any] | None) -> bool:
        """Whether a checkpoint is the last one of this training, with the validation that belongs to it."""
        options = self.cfg.checkpoint
        if extra_state is None or Path(filename) != last_checkpoint(options):
            return False
        validated = extra_state.get("val_loss") is not None and validation_history.is_of(options, extra_state)
        return validated or bool(self.cfg.dataset.disable_validation)


fairseq.trainer.Trainer = Trainer
