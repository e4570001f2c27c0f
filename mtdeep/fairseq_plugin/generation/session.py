"""A task with its models, ready to translate: what fairseq-generate and fairseq-interactive begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from fairseq import checkpoint_utils, utils
from fairseq.models import BaseFairseqModel

from mtdeep.fairseq_plugin.generation.alignment import Hypothesis
from mtdeep.fairseq_plugin.generation.generator import Sample, StoreGenerator
from mtdeep.fairseq_plugin.generation.text import Text, UnknownWords
from mtdeep.fairseq_plugin.model_overrides import model_overrides
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask


@dataclass(frozen=True)
class Session:
    """Models on their device, the generator that searches with them, and the text that goes in and comes out."""

    cfg: Any
    task: ManyToManyTranslationTask
    models: list[BaseFairseqModel]
    generator: StoreGenerator
    text: Text
    unknown: UnknownWords | None
    cuda: bool

    @classmethod
    def open(cls, cfg: Any, task: ManyToManyTranslationTask) -> Session:
        """Load the models that ``--path`` names; raises UserError for what does not fit."""
        seed(cfg)
        text = Text(task, cfg)
        replace = cfg.generation.replace_unk
        unknown = None if replace is None else UnknownWords(replace, task.target_dictionary.unk_word)
        paths, suffix = utils.split_paths(cfg.common_eval.path), cfg.checkpoint.checkpoint_suffix
        overrides = model_overrides(cfg, paths)
        models, _ = checkpoint_utils.load_model_ensemble(paths, arg_overrides=overrides, task=task, suffix=suffix)
        cuda = torch.cuda.is_available() and not cfg.common.cpu
        for model in models:
            prepare(model, cfg, cuda)
        return cls(cfg, task, models, task.build_generator(models, cfg.generation), text, unknown, cuda)

    @property
    def max_positions(self) -> tuple[int, int]:
        """Longest source and target, in tokens."""
        limits = (self.task.max_positions(), *(model.max_positions() for model in self.models))
        positions: tuple[int, int] = utils.resolve_max_positions(*limits)
        return positions

    def translate(self, sample: Sample) -> list[list[Hypothesis]]:
        """Return the hypotheses, best first, of each sentence of a batch.

        Of ``--prefix-size`` tokens, which the reference gives, the target's tag is none.
        """
        sample = utils.move_to_cuda(sample) if self.cuda else sample
        size = self.cfg.generation.prefix_size
        prefix = sample["target"][:, : size + 1] if size else None
        return self.task.inference_step(self.generator, self.models, sample, prefix_tokens=prefix)


def seed(cfg: Any) -> None:
    """Seed what sampling and retained dropout draw from, if the command names a seed."""
    if cfg.common.seed is not None and not cfg.generation.no_seed_provided:
        np.random.seed(cfg.common.seed)
        utils.set_torch_seed(cfg.common.seed)


def prepare(model: BaseFairseqModel, cfg: Any, cuda: bool) -> None:
    """Bring a model into the precision and to the device that the options name, and out of training."""
    if cfg.common.fp16:
        model.half()
    elif cfg.common.bf16:
        model.bfloat16()
    if cuda:
        model.cuda()
    model.prepare_for_inference_(cfg)
