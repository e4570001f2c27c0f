"""BLEU at each validation of a training (``--eval-bleu``), over a sample of directions, by which it may be stopped.

The sample is drawn once, by ``--seed``, and shared out among the processes. Sentences are translated by our own search,
and scored as `mtdeep evaluate` scores them; a sample's BLEU is one to compare with itself, not to report.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from fairseq.distributed import utils as distributed_utils
from fairseq.logging import metrics

from mtdeep.corpus import Direction
from mtdeep.corpus.language_groups import KINDS, read_groups
from mtdeep.decoding import SearchOptions, Translator
from mtdeep.decoding.translator import longest_source
from mtdeep.errors import UserError
from mtdeep.evaluation.evaluate import DEFAULT_OPTIONS
from mtdeep.evaluation.sample import averages, sample_bleu, sampled_directions, sampled_rows
from mtdeep.evaluation.segments import Row, SplitRows
from mtdeep.fairseq_plugin.deep_model import unwrapped
from mtdeep.fairseq_plugin.models import FairseqDeepEncoderDecoder
from mtdeep.fairseq_plugin.plain_model import plain_model
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask

logger = logging.getLogger(__name__)
AFTER_LOSSES = 190  # the figures' place in the log: the `priority` of fairseq


@dataclass(frozen=True)
class Sample:
    """What is translated at each validation."""

    split: SplitRows
    rows: Mapping[Direction, list[Row]]
    groups: Mapping[str, str]

    @property
    def figures(self) -> set[str]:
        """The names of what is logged."""
        return set(averages(dict.fromkeys(self.rows, 0.0), self.groups))


class ValidationBleu:
    """Scores a training's model when it is validated, if it is to; all processes have one, and log the same."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._is_due = False

    @property
    def figures(self) -> set[str]:
        """The names of what validation logs."""
        return set() if self._sample is None else self._sample.figures

    def begin(self, split: str) -> None:
        """Score with the first batch of the validation of a split that is to come, if it is the first one."""
        self._is_due = self._sample is not None and split == self._first_split

    def look(self) -> None:
        """Log the scores of a validation that has begun."""
        if not self._is_due or self._sample is None:
            return
        self._is_due = False
        trainer, sample = self._trainer, self._sample
        directions = [*sample.rows]
        mine = directions[trainer.data_parallel_rank :: trainer.data_parallel_world_size]
        options = SearchOptions(
            beam=trainer.task.cfg.eval_bleu_beam,
            max_length_a=DEFAULT_OPTIONS.max_length_a,
            max_length_b=DEFAULT_OPTIONS.max_length_b,
        )
        trainer.model.eval()
        with torch.no_grad(), torch.autocast(trainer.device.type, enabled=trainer.cfg.common.amp):
            scores = {
                direction: sample_bleu(self._translator, sample.split, direction, sample.rows[direction], options)
                for direction in mine
            }
        for name, value in averages(self._of_all(scores), sample.groups).items():
            metrics.log_scalar(name, value, priority=AFTER_LOSSES, round=2)

    @cached_property
    def _sample(self) -> Sample | None:
        """What is translated; None: nothing. Raises UserError where there is no text to compare with."""
        task = self._trainer.task
        if not isinstance(task, ManyToManyTranslationTask) or not task.cfg.eval_bleu:
            return None
        model = unwrapped(self._trainer.get_model())
        if not isinstance(model, FairseqDeepEncoderDecoder):
            raise UserError("--eval-bleu needs a model of ours, such as --arch deepnet_mt; give one, or leave it out.")
        cfg, split = task.cfg, SplitRows.of(task.store, self._first_split)
        directions = task.dataset(self._first_split).directions
        drawn = sampled_directions(directions, cfg.eval_bleu_directions, cfg.seed)
        longest = longest_source(model.config)
        rows = {each: sampled_rows(split, each, cfg.eval_bleu_sentences, longest, cfg.seed) for each in drawn}
        sample = Sample(split, {each: here for each, here in rows.items() if here}, self._groups(task))
        if self._trainer.is_data_parallel_master:
            sentences = sum(map(len, sample.rows.values()))
            logger.info(
                f"--eval-bleu: {sentences:,} sentences in {len(sample.rows)} of {len(directions)} directions of "
                f"{self._first_split}"
            )
        return sample

    @cached_property
    def _translator(self) -> Translator:
        trainer = self._trainer
        store, model = trainer.task.store, unwrapped(trainer.get_model())
        assert isinstance(model, FairseqDeepEncoderDecoder), "`_sample` has looked"
        return Translator(
            plain_model(model),
            store.vocabulary,
            store.subwords(),
            trainer.task.encoder_tag,
            device=trainer.device,
        )

    @property
    def _first_split(self) -> str:
        return str(self._trainer.cfg.dataset.valid_subset).split(",")[0]

    @staticmethod
    def _groups(task: ManyToManyTranslationTask) -> Mapping[str, str]:
        """Return the group of each language of the store."""
        by, languages = task.cfg.eval_bleu_groups, task.store.languages
        if by is None:
            return {}
        if by == "language":
            return {language: language for language in languages}
        if by in KINDS:
            return {language: KINDS[by](language) for language in languages}
        return read_groups(Path(by), languages, bridged=False).of

    def _of_all(self, scores: dict[Direction, float]) -> dict[Direction, float]:
        """Return the scores of all processes."""
        trainer = self._trainer
        if trainer.data_parallel_world_size == 1:
            return scores
        parts = distributed_utils.all_gather_list(
            list(scores.items()), group=trainer.data_parallel_process_group, max_size=2**20
        )
        return dict(sorted((direction, value) for part in parts for direction, value in part))
