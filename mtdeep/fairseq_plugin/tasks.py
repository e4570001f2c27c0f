"""fairseq's task ``many_to_many_translation``: any set of directions, straight from a corpus store."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import torch
from fairseq.data import FairseqDataset
from fairseq.data.iterators import EpochBatchIterating
from fairseq.models import BaseFairseqModel
from fairseq.tasks import TASK_REGISTRY, FairseqTask, register_task
from fairseq.utils import resolve_max_positions

from mtdeep.checkpoint.provenance import TaskRecord
from mtdeep.corpus import Direction, DirectionView, Store, direction_views, mixture, parse_directions
from mtdeep.corpus.collate import EncoderTag
from mtdeep.corpus.origins import BACK_TRANSLATED, ORIGIN_TAGS
from mtdeep.corpus.views import views_if_any
from mtdeep.errors import UserError, shortened
from mtdeep.fairseq_plugin.architectures import check_known
from mtdeep.fairseq_plugin.arguments import ModelArguments
from mtdeep.fairseq_plugin.datasets import DirectionsDataset, TrainingDataset, TypedSentences
from mtdeep.fairseq_plugin.facts import agree_on_task
from mtdeep.fairseq_plugin.fairseq_options.option import Use
from mtdeep.fairseq_plugin.fairseq_options.table import CONSTRAINTS
from mtdeep.fairseq_plugin.generation.alignment import Aligner, Hypothesis
from mtdeep.fairseq_plugin.generation.checks import check_search
from mtdeep.fairseq_plugin.generation.generator import StoreGenerator
from mtdeep.fairseq_plugin.lengths import readable_examples
from mtdeep.fairseq_plugin.options import ManyToManyTranslationConfig, check, origin_weights, sampling
from mtdeep.fairseq_plugin.store_dictionary import StoreDictionary
from mtdeep.fairseq_plugin.store_subwords import StoreSubwords
from mtdeep.fairseq_plugin.text_tools import text_tool
from mtdeep.fairseq_plugin.train_iterator import VirtualEpochIterator
from mtdeep.fairseq_plugin.training_plan import SHOWN_DIRECTIONS, TrainingPlan
from mtdeep.languages import fairseq_code, resolve

logger = logging.getLogger(__name__)
# Source and target that `translating` names, None outside; of its own in each thread, which may all share one task.
_translated: ContextVar[tuple[str | None, str | None] | None] = ContextVar("mtdeep.translated", default=None)


@register_task("many_to_many_translation", dataclass=ManyToManyTranslationConfig)
class ManyToManyTranslationTask(FairseqTask):
    """Train on all directions of a store at once; generate for one of them.

    Encoder input is ``__src__ x </s>``, decoder input ``</s> __tgt__ y``: the target's tag is the first target, counted
    in the loss, forced at decoding and counted in the score, as stock ``--decoder-langtok`` has it.
    """

    def __init__(self, cfg: ManyToManyTranslationConfig, store: Store) -> None:
        super().__init__(cfg)
        self.store = store
        # fairseq's enum of choices cannot be pickled, and what the data workers get is pickled.
        self.encoder_tag = cast("EncoderTag", str(cfg.encoder_tag))
        self.dictionary = StoreDictionary(store.vocabulary, store.has_subwords)
        self.record = TaskRecord(store.vocabulary.digest, tuple(store.languages), self.encoder_tag)
        self.state.merge_state_dict(self.record.to_dict())

    @classmethod
    def setup_task(cls, cfg: ManyToManyTranslationConfig, **kwargs: object) -> ManyToManyTranslationTask:
        """Open the store."""
        check(cfg)
        return cls(cfg, Store(Path(cfg.data)))

    @property
    def source_dictionary(self) -> StoreDictionary:
        """The store's one dictionary: specials, pieces, language tags."""
        return self.dictionary

    @property
    def target_dictionary(self) -> StoreDictionary:
        """The store's one dictionary."""
        return self.dictionary

    def max_positions(self) -> tuple[int, int]:
        """Longest source and target in tokens."""
        return self.cfg.max_source_positions, self.cfg.max_target_positions

    def has_sharded_data(self, split: str) -> bool:
        """No: fairseq would take a colon in the store's path for a list of shards, one an epoch."""
        return False

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuse a checkpoint that means something else here; this task's own record stays as it is."""
        agree_on_task(TaskRecord.of(state_dict), self.record)

    def load_dataset(self, split: str, combine: bool = False, **kwargs: object) -> None:
        """Make the examples of a split available; only the trainer asks for *combine*, and only for training data."""
        training = combine and split == self.cfg.train_subset
        if training and split in self.datasets:
            raise UserError(f"--valid-subset names {split!r}, the split that is trained on; leave it out.")
        views = self._views(split)
        if training and self.cfg.tag_back_translated and not any(
            corpus.origin == BACK_TRANSLATED for view in views for corpus in view.corpora
        ):
            raise UserError("--tag-back-translated: these directions have no back-translated text; leave it out.")
        vocabulary, encoder_tag = self.store.vocabulary, self.encoder_tag
        if training:
            drawn = mixture(views, sampling(self.cfg, views), origin_weights(self.cfg))
            self.datasets[split] = TrainingDataset(drawn, vocabulary, encoder_tag)
        else:
            self.datasets[split] = DirectionsDataset(views, vocabulary, encoder_tag)

    def build_model(self, cfg: ModelArguments, from_checkpoint: bool = False) -> BaseFairseqModel:
        """Return the model; raises UserError for one that this process knows nothing of."""
        check_known(cfg)
        return super().build_model(cfg, from_checkpoint)

    def get_batch_iterator(self, dataset: FairseqDataset, **options: Any) -> EpochBatchIterating:
        """Return fairseq's iterator over a finite dataset, or the endless one over the training data."""
        if not isinstance(dataset, TrainingDataset):
            if isinstance(dataset, DirectionsDataset):
                self._check_lengths(dataset, options)
            return super().get_batch_iterator(dataset, **options)
        if dataset not in self.dataset_to_epoch_iter:
            self.dataset_to_epoch_iter[dataset] = self._training_iterator(dataset, options)
        return self.dataset_to_epoch_iter[dataset]

    def _check_lengths(self, dataset: DirectionsDataset, options: dict[str, Any]) -> None:
        """Raise UserError over what cannot be read, or let it be skipped, that which no batch can hold included."""
        (split,) = (name for name, known in self.datasets.items() if known is dataset)
        positions, max_tokens = options.get("max_positions"), options.get("max_tokens")
        skips = options.get("ignore_invalid_inputs", False)
        readable_examples(dataset, split, positions=positions, max_tokens=max_tokens, skips=skips)
        if skips:
            options["max_positions"] = resolve_max_positions(positions, max_tokens)

    def build_bpe(self, args: object) -> Any:
        """Return what ``--bpe`` names, or else the store's own subword model, if it has one."""
        named = text_tool("--bpe", args, super().build_bpe)
        if named is not None or not self.store.has_subwords:
            return named
        return StoreSubwords(self.store)

    def build_tokenizer(self, args: object) -> Any:
        """Return what ``--tokenizer`` names, if anything."""
        return text_tool("--tokenizer", args, super().build_tokenizer)

    def build_generator(self, models: list[BaseFairseqModel], args: Any, **options: Any) -> StoreGenerator:
        """Return fairseq's generator; tags are left out of what it prints, and alignments are ours.

        Raises UserError for options that the search does not have, or cannot have together.
        """
        check_search(args)
        vocabulary = self.store.vocabulary
        extra = dict(options.pop("extra_gen_cls_kwargs", None) or {})
        extra["symbols_to_strip_from_output"] = set(range(vocabulary.first_tag, len(vocabulary)))
        print_alignment = getattr(args, "print_alignment", None)
        aligner = None
        if print_alignment or getattr(args, "replace_unk", None) is not None:
            aligner = Aligner(
                "soft" if print_alignment == "soft" else "hard", self.cfg.alignment_layer, models, vocabulary
            )
        args = copy.deepcopy(args)
        args.print_alignment = None  # else fairseq returns a generator that has an own way to align, and needs it
        generator = super().build_generator(models, args, extra_gen_cls_kwargs=extra, **options)
        return StoreGenerator(generator, vocabulary, aligner)

    def inference_step(
        self,
        generator: StoreGenerator,
        models: list[BaseFairseqModel],
        sample: dict[str, Any],
        prefix_tokens: torch.Tensor | None = None,
        constraints: torch.Tensor | None = None,
    ) -> list[list[Hypothesis]]:
        """Translate a batch, with each target's tag forced as its first token."""
        if prefix_tokens is None:
            target = sample.get("target")  # typed sentences have none
            if target is None:
                tag = self.store.vocabulary.tag(self._one_direction().target)
                prefix_tokens = torch.full_like(sample["net_input"]["src_tokens"][:, :1], tag)
            else:
                prefix_tokens = target[:, :1]
        hypotheses: list[list[Hypothesis]] = super().inference_step(
            generator, models, sample, prefix_tokens=prefix_tokens, constraints=constraints
        )
        return hypotheses

    @contextmanager
    def translating(self, source: str | None, target: str | None) -> Iterator[None]:
        """Translate, in this thread, between other languages than --source-lang and --target-lang say, unless None."""
        # fairseq's hub calls itself for a single sentence, without the languages.
        before = _translated.get() or (None, None)
        token = _translated.set((source or before[0], target or before[1]))
        try:
            yield
        finally:
            _translated.reset(token)

    def build_dataset_for_inference(
        self,
        src_tokens: Sequence[torch.Tensor],
        src_lengths: Sequence[int],
        constraints: object = None,
        references: Sequence[torch.Tensor] | None = None,
    ) -> TypedSentences:
        """Return typed sentences with the tag that the encoder expects, beside *references* to score, if any."""
        if constraints is not None:
            raise UserError(f"{CONSTRAINTS.refusal(Use.INTERACTIVE)}.")
        return TypedSentences(
            src_tokens, self.store.vocabulary, self._one_direction(), self.encoder_tag, references
        )

    def _one_direction(self) -> Direction:
        translated = _translated.get()
        asked_source, asked_target = translated or (None, None)
        source, target = asked_source or self.cfg.source_lang, asked_target or self.cfg.target_lang
        if source is None or target is None:
            named = "--source-lang and --target-lang" if translated is None else "source_lang= and target_lang="
            raise UserError(f"name the languages to translate between with {named}.")
        # The form that directions are written in, so that the same mistakes are told in the same words.
        codes = (fairseq_code(resolve(code, self.store.languages)) for code in (source, target))
        (direction,) = parse_directions("-".join(codes), self.store)
        return direction

    def _views(self, split: str) -> list[DirectionView]:
        """Directions of a split: the one asked for by -s and -t, or those of the option that have sentences."""
        tags = self._origin_tags()
        if self.cfg.source_lang is not None or self.cfg.target_lang is not None:
            return direction_views(self.store, split, [self._one_direction()], tags)
        spec = self.cfg.directions
        if split != self.cfg.train_subset and self.cfg.valid_directions is not None:
            spec = self.cfg.valid_directions
        asked = views_if_any(self.store, split, parse_directions(spec, self.store), tags)
        views = [view for view in asked if len(view)]
        if len(views) < len(asked):
            missing = [str(view) for view in asked if not len(view)]
            logger.warning(
                f"{split}: {len(missing)} of {len(asked)} directions have no sentences and are left out: "
                f"{shortened(missing, SHOWN_DIRECTIONS)}"
            )
        if not views:
            raise UserError(f"{self.store.path}: split {split!r} has no sentences for --directions {spec}.")
        return views

    def _origin_tags(self) -> dict[str, int]:
        """Ids of the tags that sources get beside the encoder's, by origin."""
        if not self.cfg.tag_back_translated:
            return {}
        tags = self.store.vocabulary.origin_tags
        if BACK_TRANSLATED not in tags:
            raise UserError(
                f"--tag-back-translated: the vocabulary of {self.store.path} has no {ORIGIN_TAGS[BACK_TRANSLATED]}; "
                "leave that out, or prepare the store with back-translated text."
            )
        return {BACK_TRANSLATED: tags[BACK_TRANSLATED]}

    def _training_iterator(self, dataset: TrainingDataset, options: dict[str, Any]) -> VirtualEpochIterator:
        plan = TrainingPlan.of(
            self.store,
            dataset.mixture,
            pool_size=self.cfg.batch_pool,
            seed=self.cfg.seed,
            batch_options=options,
        )
        limits = [self.cfg.max_update, self.cfg.max_epoch * self.cfg.updates_per_epoch]
        updates = min(filter(None, limits), default=self.cfg.updates_per_epoch)
        per_update = options["num_shards"] * self.cfg.update_freq[-1]
        if options["shard_id"] == 0:
            plan.log(updates, per_update, Path(self.cfg.save_dir))
        return VirtualEpochIterator(
            plan.planner,
            dataset.collate,
            plan=plan.digest,
            updates_per_epoch=self.cfg.updates_per_epoch,
            update_freq=list(self.cfg.update_freq),
            num_shards=options["num_shards"],
            shard_id=options["shard_id"],
            epoch=options["epoch"],
        )


def reads_store(task: str | None) -> bool:
    """Return whether the task of this name is `many_to_many_translation`, or made from it."""
    return issubclass(TASK_REGISTRY.get(task, object), ManyToManyTranslationTask)
