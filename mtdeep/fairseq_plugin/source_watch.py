"""Whether a model hears its source, looked at whenever it is validated: in the log, with a warning, and as an end.

A few sentences are scored twice, with their own source and with another sentence's. That stands in no meter but the
validation's, draws no random number that training would have drawn, and changes no parameter: losses are the same to
the bit with it and without it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from fairseq import utils
from fairseq.data.iterators import EpochBatchIterating
from fairseq.logging import metrics
from fairseq.models import FairseqEncoderDecoderModel
from fairseq.tasks import FairseqTask
from fairseq.tasks.translation import TranslationTask
from fairseq.tasks.translation_multi_simple_epoch import TranslationMultiSimpleEpochTask
from torch import Tensor

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.datasets import Sample
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel, unwrapped
from mtdeep.fairseq_plugin.going_on import going_on
from mtdeep.fairseq_plugin.raised_by_all import of_the_first
from mtdeep.fairseq_plugin.source_alarm import SourceUse, Unheard, reason, remedy
from mtdeep.fairseq_plugin.source_sentences import Limits, SourceSentences
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask
from mtdeep.probe import statistics
from mtdeep.probe.hooks import Hooks

logger = logging.getLogger(__name__)
KEY = "source_unheard"
"""Under which a checkpoint has the validations in a row at which the source was not heard."""
SPREAD, COST, UNIGRAM = "encoder_spread", "other_source_cost", "unigram_loss"
"""The figures' names in the log; all but the first in bits a token."""
PLAIN_STEPS = tuple(
    task.valid_step
    for task in (FairseqTask, TranslationTask, TranslationMultiSimpleEpochTask, ManyToManyTranslationTask)
)
"""How tasks validate a batch whose criterion scores it as it is; others, such as `translation_lev`, change it first."""
AFTER_THE_OTHERS = 195  # the place of both among the figures of a validation: the `priority` of fairseq


class SourceWatch:
    """Looks at the source's use in each validation of a training, and remembers how often it was not heard.

    A model without encoder or decoder has no source, and an encoder that gives no states as fairseq's transformers do
    is not looked at.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._next: tuple[str, EpochBatchIterating] | None = None
        self._sentences: dict[str, SourceSentences | None] = {}
        self._unheard = Unheard()
        self._reason: str | None = None
        self._is_said = False

    def begin(self, split: str, iterator: EpochBatchIterating) -> None:
        """Look at the source with the first batch of this validation that is to come."""
        self._next = split, iterator

    def look(self) -> None:
        """Log the figures of a validation that has begun; warn where the first split has shown that it is due."""
        if self._next is None:
            return
        (split, iterator), self._next = self._next, None
        use = self._measure(split, iterator)
        if use is None:
            self._say_that_nothing_ends_it(split)
            return
        metrics.log_scalar(SPREAD, use.spread, priority=AFTER_THE_OTHERS, round=4)
        metrics.log_scalar(COST, use.cost if abs(use.cost) >= 0.0005 else 0.0, priority=AFTER_THE_OTHERS, round=3)
        metrics.log_scalar(UNIGRAM, use.unigram, priority=AFTER_THE_OTHERS, round=3)
        if split == self._trainer.cfg.dataset.valid_subset.split(",")[0]:
            self._judge(use)

    @property
    def ends_training(self) -> bool:
        """Whether the training is to end, which the user has asked for."""
        return self._reason is not None and bool(self._trainer.cfg.optimization.stop_without_source)

    def end_training(self) -> None:
        """Raise UserError, in the first process, when the training is to end; its last checkpoint is there."""
        if self.ends_training and self._trainer.is_data_parallel_master:
            going = going_on(self._trainer.cfg.checkpoint)
            raise UserError(f"--stop-without-source: {self._reason}; {self._remedy()}; {going}.")

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint has to hold."""
        return {KEY: asdict(self._unheard)}

    def restore(self, extra_state: dict[str, Any] | None, *, anew: bool) -> None:
        """Go on from what a checkpoint holds, if it does, or begin *anew*."""
        self._unheard = Unheard() if anew or extra_state is None else Unheard(**extra_state.get(KEY, {}))

    def _say_that_nothing_ends_it(self, split: str) -> None:
        """Warn, once, a user who counts on the watch to end the training."""
        trainer = self._trainer
        decides = split == trainer.cfg.dataset.valid_subset.split(",")[0]
        if decides and trainer.cfg.optimization.stop_without_source and not self._is_said:
            self._is_said = True
            if trainer.is_data_parallel_master:
                logger.warning(f"--stop-without-source has no effect: {split} cannot tell what the source is")

    def _judge(self, use: SourceUse) -> None:
        updates, warm_up = self._trainer.get_num_updates(), self._warm_up()
        self._unheard = self._unheard.after(use, updates, warm_up)
        alarming = self._unheard.is_alarming(use, updates, warm_up)
        self._reason = reason(use, self._unheard, updates) if alarming else None
        if alarming and self._trainer.is_data_parallel_master:
            logger.warning(f"{self._reason}; {self._remedy()}")

    def _warm_up(self) -> int:
        """Return the updates of the longest warm-up, of the rate or the branches; `tri_stage` works its own out."""
        schedule, model = self._trainer.lr_scheduler, unwrapped(self._trainer.get_model())
        of_rate = int(vars(schedule).get("warmup_steps") or getattr(schedule.cfg, "warmup_updates", 0))
        return max(of_rate, model.config.branch_warm_up_end) if isinstance(model, FairseqDeepModel) else of_rate

    def _remedy(self) -> str:
        model = unwrapped(self._trainer.get_model())
        return remedy(model.scheme if isinstance(model, FairseqDeepModel) else None, self._trainer.rate_rule)

    def _measure(self, split: str, iterator: EpochBatchIterating) -> SourceUse | None:
        """Score the split's sentences, in all processes alike, as a wrapped model's parts may lie in all of them."""
        trainer, model = self._trainer, unwrapped(self._trainer.get_model())
        if not isinstance(model, FairseqEncoderDecoderModel) or type(trainer.task).valid_step not in PLAIN_STEPS:
            return None
        if split not in self._sentences:
            padding, options = trainer.task.target_dictionary.pad(), trainer.cfg.dataset
            limits = Limits(options.batch_size_valid, options.max_tokens_valid)
            self._sentences[split] = SourceSentences.of(iterator, padding, limits, trainer.cfg.common.seed)
        sentences = self._sentences[split]
        if sentences is None:
            return None
        with self._unnoticed(), Hooks() as hooks:
            outputs: list[object] = []
            hooks.after(model.encoder, lambda module, inputs, output: outputs.append(output))
            own = self._bits(sentences.own)
            spread = relative_spread(outputs[0])
            if spread is None:
                self._sentences[split] = None
                return None
            other = self._bits(sentences.other)
        # Replicas may differ in their last bits, and all processes have to come to one judgement.
        spread, own, other = of_the_first(trainer, (spread, own, other))
        return SourceUse(spread, own, other, sentences.unigram)

    def _bits(self, sample: Sample) -> float:
        """Return the loss of a batch in bits a token, without label smoothing where the criterion has that."""
        trainer = self._trainer
        prepared, _ = trainer._prepare_sample(sample)
        _, _, log = trainer.criterion(trainer.model, prepared)
        loss = log["nll_loss"] if "nll_loss" in log else log["loss"]
        return float(loss) / float(log["ntokens"]) / math.log(2)

    @contextmanager
    def _unnoticed(self) -> Iterator[None]:
        """Run the model as validation does; random numbers and meters stay as they were."""
        trainer = self._trainer
        trainer.model.eval()
        trainer.criterion.eval()
        with torch.no_grad(), utils.set_torch_seed(trainer.cfg.common.seed), metrics.aggregate(new_root=True):
            yield


def relative_spread(output: object) -> float | None:
    """Return by how much an encoder's states vary over tokens, by their size; None for output of another form.

    *output*: fairseq's, with `encoder_out` [(time, batch, dim)] and `encoder_padding_mask` [(batch, time)] or [].
    """
    match output:
        case {"encoder_out": [Tensor() as states], "encoder_padding_mask": masks}:
            states = states.transpose(0, 1)
        case _:  # of lightconv a tensor, of fconv a pair of them
            return None
    real = ~masks[0].bool() if masks else torch.ones_like(states[..., 0], dtype=torch.bool)
    size = statistics.rms(states, real)
    return statistics.spread(states, real) / size if size else 0.0
