"""fairseq's task ``many_to_many_translation``: any set of directions, straight from a corpus store."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fairseq.data import Dictionary, FairseqDataset
from fairseq.data.iterators import EpochBatchIterating
from fairseq.models import BaseFairseqModel
from fairseq.sequence_generator import SequenceGenerator
from fairseq.tasks import FairseqTask, register_task

from mtdeep.corpus import (
    BatchPlanner,
    Direction,
    DirectionView,
    Schedule,
    Store,
    available,
    direction_probabilities,
    direction_views,
    parse_directions,
)
from mtdeep.corpus.manifest import DICTIONARY
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.datasets import DirectionsDataset, TrainingDataset, TypedSentences
from mtdeep.fairseq_plugin.options import ManyToManyTranslationConfig
from mtdeep.fairseq_plugin.store_subwords import StoreSubwords
from mtdeep.fairseq_plugin.train_iterator import VirtualEpochIterator
from mtdeep.languages import resolve

logger = logging.getLogger(__name__)
SHOWN_DIRECTIONS = 20


@register_task("many_to_many_translation", dataclass=ManyToManyTranslationConfig)
class ManyToManyTranslationTask(FairseqTask):
    """Train on all directions of a store at once; generate for one of them.

    Encoder input is ``__src__ x </s>``, decoder input ``</s> __tgt__ y``: the target's tag is the first target, counted
    in the loss, forced at decoding and counted in the score, as stock ``--decoder-langtok`` has it.
    """

    def __init__(self, cfg: ManyToManyTranslationConfig, store: Store) -> None:
        super().__init__(cfg)
        self.store = store
        self.dictionary = Dictionary.load(str(store.path / DICTIONARY))
        self.state.merge_state_dict(
            {"vocabulary": store.vocabulary.digest, "languages": list(store.languages), "store": store.digest}
        )

    @classmethod
    def setup_task(cls, cfg: ManyToManyTranslationConfig, **kwargs: object) -> ManyToManyTranslationTask:
        """Open the store."""
        if not cfg.data:
            raise UserError("give the folder of a store, which `mtdeep prepare` writes, as the first argument.")
        return cls(cfg, Store(Path(cfg.data)))

    @property
    def source_dictionary(self) -> Dictionary:
        """The store's one dictionary: specials, pieces, language tags."""
        return self.dictionary

    @property
    def target_dictionary(self) -> Dictionary:
        """The store's one dictionary."""
        return self.dictionary

    def max_positions(self) -> tuple[int, int]:
        """Longest source and target in tokens."""
        return self.cfg.max_source_positions, self.cfg.max_target_positions

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuse a checkpoint whose ids mean something else in this store; its own record is kept up to date."""
        saved = state_dict.get("vocabulary")
        if saved is not None and saved != self.store.vocabulary.digest:
            raise UserError(
                f"{self.store.path}: its dictionary is not the one that this checkpoint was trained with "
                f"(languages {', '.join(state_dict['languages'])}); give the store of that training."
            )

    def load_dataset(self, split: str, combine: bool = False, **kwargs: object) -> None:
        """Make the examples of a split available; only the trainer asks for *combine*, and only for training data."""
        training = combine and split == self.cfg.train_subset
        views = direction_views(self.store, split, self._directions(split))
        dataset_class = TrainingDataset if training else DirectionsDataset
        self.datasets[split] = dataset_class(views, self.store.vocabulary, self.cfg.encoder_tag)

    def get_batch_iterator(self, dataset: FairseqDataset, **options: Any) -> EpochBatchIterating:
        """Return fairseq's iterator over a finite dataset, or the endless one over the training data."""
        if not isinstance(dataset, TrainingDataset):
            return super().get_batch_iterator(dataset, **options)
        if dataset not in self.dataset_to_epoch_iter:
            self.dataset_to_epoch_iter[dataset] = self._training_iterator(dataset, options)
        return self.dataset_to_epoch_iter[dataset]

    def build_bpe(self, args: object) -> object:
        """Return what ``--bpe`` names, or else the store's own subword model."""
        return super().build_bpe(args) or StoreSubwords(self.store)

    def build_generator(
        self, models: list[BaseFairseqModel], args: object, **options: Any
    ) -> SequenceGenerator:
        """Return fairseq's generator; language tags are left out of what it prints."""
        vocabulary = self.store.vocabulary
        extra = dict(options.pop("extra_gen_cls_kwargs", None) or {})
        extra["symbols_to_strip_from_output"] = {vocabulary.tag(language) for language in self.store.languages}
        return super().build_generator(models, args, extra_gen_cls_kwargs=extra, **options)

    def inference_step(
        self,
        generator: SequenceGenerator,
        models: list[BaseFairseqModel],
        sample: dict[str, Any],
        prefix_tokens: torch.Tensor | None = None,
        constraints: torch.Tensor | None = None,
    ) -> list[list[dict[str, torch.Tensor]]]:
        """Translate a batch, with each target's tag forced as its first token."""
        if prefix_tokens is None:
            target = sample.get("target")  # typed sentences have none
            if target is None:
                tag = self.store.vocabulary.tag(self._one_direction().target)
                prefix_tokens = torch.full_like(sample["net_input"]["src_tokens"][:, :1], tag)
            else:
                prefix_tokens = target[:, :1]
        hypotheses: list[list[dict[str, torch.Tensor]]] = super().inference_step(
            generator, models, sample, prefix_tokens=prefix_tokens, constraints=constraints
        )
        return hypotheses

    def build_dataset_for_inference(
        self, src_tokens: Sequence[torch.Tensor], src_lengths: Sequence[int], **options: object
    ) -> TypedSentences:
        """Return typed sentences with the tag that the encoder expects."""
        direction = self._one_direction()
        language = direction.source if self.cfg.encoder_tag == "src" else direction.target
        return TypedSentences(src_tokens, self.store.vocabulary, self.store.vocabulary.tag(language))

    def _one_direction(self) -> Direction:
        source, target = self.cfg.source_lang, self.cfg.target_lang
        if source is None or target is None:
            raise UserError("name the languages to translate between with --source-lang and --target-lang.")
        return Direction(resolve(source), resolve(target))

    def _directions(self, split: str) -> list[Direction]:
        """Directions of a split: the one asked for by -s and -t, or those of the option that have sentences."""
        if self.cfg.source_lang is not None or self.cfg.target_lang is not None:
            return [self._one_direction()]
        spec = self.cfg.directions
        if split != self.cfg.train_subset and self.cfg.valid_directions is not None:
            spec = self.cfg.valid_directions
        asked = parse_directions(spec, self.store)
        counts = available(self.store, split)
        found = [direction for direction in asked if direction in counts]
        if len(found) < len(asked):
            missing = [str(direction) for direction in asked if direction not in counts]
            logger.warning(
                f"{split}: {len(missing)} of {len(asked)} directions have no sentences and are left out: "
                f"{shortened(missing)}"
            )
        if not found:
            raise UserError(f"{self.store.path}: split {split!r} has no sentences for --directions {spec}.")
        return found

    def _training_iterator(self, dataset: TrainingDataset, options: dict[str, Any]) -> VirtualEpochIterator:
        counts = np.array([len(view) for view in dataset.views])
        schedule = Schedule(
            counts,
            direction_probabilities(counts, self.cfg.sampling_temperature),
            self.cfg.batch_pool,
            self.cfg.seed,
        )
        source_positions, target_positions = options["max_positions"]
        planner = BatchPlanner(
            dataset.views,
            schedule,
            max_tokens=options["max_tokens"],
            max_sentences=options["max_sentences"],
            seed=self.cfg.seed,
            max_source_positions=source_positions,
            max_target_positions=target_positions,
            required_batch_size_multiple=options["required_batch_size_multiple"],
        )
        log_plan(dataset.views, schedule, planner)
        return VirtualEpochIterator(
            planner,
            dataset.collate,
            updates_per_epoch=self.cfg.updates_per_epoch,
            update_freq=list(self.cfg.update_freq),
            num_shards=options["num_shards"],
            shard_id=options["shard_id"],
            epoch=options["epoch"],
        )


def log_plan(views: Sequence[DirectionView], schedule: Schedule, planner: BatchPlanner) -> None:
    """Log what training will see: pairs, share and too-long pairs of each direction, or their range when many."""
    counts, shares, too_long = schedule.counts, schedule.probabilities, planner.too_long
    logger.info(f"{len(views)} directions, {counts.sum():,} sentence pairs, {too_long.sum():,} too long and left out")
    epochs = schedule.expected_epochs(1_000_000)
    if len(views) <= SHOWN_DIRECTIONS:
        for view, count, share, epoch, long in zip(views, counts, shares, epochs, too_long, strict=True):
            logger.info(
                f"  {view.direction}: {count:,} pairs, {share:.2%} of the batches, "
                f"seen {epoch:.2f} times in a million drawn, {long:,} too long"
            )
        return
    for name, values in (("pairs", counts), ("share in %", 100 * shares), ("epochs in a million drawn", epochs)):
        low, middle, high = np.quantile(values, (0, 0.5, 1))
        logger.info(f"  {name} of a direction: least {low:,.4g}, median {middle:,.4g}, most {high:,.4g}")


def shortened(names: Sequence[str]) -> str:
    """Join the first few names."""
    rest = len(names) - SHOWN_DIRECTIONS
    return ", ".join(names[:SHOWN_DIRECTIONS]) + (f" and {rest} more" if rest > 0 else "")
