"""BLEU at each validation of a training (``--eval-bleu``), over a sample of directions, by which it may be stopped.

A split's sample is drawn once, by ``--seed``, and shared out among the processes. Sentences are translated by our own
search, and scored as `mtdeep evaluate` scores them; a sample's BLEU is one to compare with itself, not to report.
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
        self._samples: dict[str, Sample] = {}
        self._next: str | None = None

    def figures(self, split: str) -> set[str]:
        """Return the names of what the validation of a split logs.

        Raises UserError where it has no text to compare with, or nothing to translate with.
        """
        sample = self._sample(split)
        return set() if sample is None else sample.figures

    def begin(self, split: str) -> None:
        """Score with the first batch of this validation that is to come."""
        self._next = split

    def look(self) -> None:
        """Log the scores of a validation that has begun."""
        split, self._next = self._next, None
        sample = None if split is None else self._sample(split)
        if sample is None:
            return
        trainer = self._trainer
        directions, processes = [*sample.rows], trainer.data_parallel_world_size
        shares = [directions[rank::processes] for rank in range(processes)]
        options = SearchOptions(
            beam=trainer.task.cfg.eval_bleu_beam,
            max_length_a=DEFAULT_OPTIONS.max_length_a,
            max_length_b=DEFAULT_OPTIONS.max_length_b,
        )
        trainer.model.eval()
        with torch.no_grad(), torch.autocast(trainer.device.type, enabled=trainer.cfg.common.amp):
            mine = [
                sample_bleu(self._translator, sample.split, direction, sample.rows[direction], options)
                for direction in shares[trainer.data_parallel_rank]
            ]
        scores = {
            direction: value
            for share, values in zip(shares, self._of_all(mine), strict=True)
            for direction, value in zip(share, values, strict=True)
        }
        for name, value in averages(scores, sample.groups).items():
            metrics.log_scalar(name, value, priority=AFTER_LOSSES, round=2)

    def _sample(self, split: str) -> Sample | None:
        """Return what is translated of a split; None: nothing."""
        if split not in self._samples and (sample := self._drawn(split)) is not None:
            self._samples[split] = sample
        return self._samples.get(split)

    def _drawn(self, split: str) -> Sample | None:
        task = self._trainer.task
        if not isinstance(task, ManyToManyTranslationTask) or not task.cfg.eval_bleu:
            return None
        model = unwrapped(self._trainer.get_model())
        if not isinstance(model, FairseqDeepEncoderDecoder):
            raise UserError("--eval-bleu needs a model of ours, such as --arch deepnet_mt; give one, or leave it out.")
        assert self._translator is not None, "a store that cannot be decoded is said now"
        cfg, text = task.cfg, SplitRows.of(task.store, split)
        directions = task.dataset(split).directions
        drawn = sampled_directions(directions, cfg.eval_bleu_directions, cfg.seed)
        longest = longest_source(model.config)
        rows = {each: sampled_rows(text, each, cfg.eval_bleu_sentences, longest, cfg.seed) for each in drawn}
        sample = Sample(text, {each: here for each, here in rows.items() if here}, self._groups(task))
        if self._trainer.is_data_parallel_master:
            sentences = sum(map(len, sample.rows.values()))
            logger.info(
                f"--eval-bleu: {sentences:,} sentences in {len(sample.rows)} of {len(directions)} directions of {split}"
            )
        return sample

    @cached_property
    def _translator(self) -> Translator:
        trainer = self._trainer
        store, model = trainer.task.store, unwrapped(trainer.get_model())
        assert isinstance(model, FairseqDeepEncoderDecoder), "`_drawn` has looked"
        return Translator(
            plain_model(model),
            store.vocabulary,
            store.subwords(),
            trainer.task.encoder_tag,
            device=trainer.device,
        )

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

    def _of_all(self, scores: list[float]) -> list[list[float]]:
        """Return the scores of each process."""
        trainer = self._trainer
        if trainer.data_parallel_world_size == 1:
            return [scores]
        of_all: list[list[float]] = distributed_utils.all_gather_list(scores, group=trainer.data_parallel_process_group)
        return of_all
