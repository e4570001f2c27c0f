"""Options of the task ``many_to_many_translation``, as fairseq reads them off a dataclass.

fairseq looks at the annotations themselves and knows only the forms of Python 3.6: no postponed annotations here, and
``Optional`` and ``List`` from ``typing``.
"""

# ruff: noqa: RUF009, UP006, UP035, UP045

from dataclasses import dataclass, field
from typing import List, Optional

from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from omegaconf import II

from mtdeep.corpus.collate import ENCODER_TAGS
from mtdeep.errors import UserError


@dataclass
class ManyToManyTranslationConfig(FairseqDataclass):
    """Options of the task; checkpoints record them."""

    data: str = field(default="", metadata={"help": "corpus store written by `mtdeep prepare`"})
    directions: str = field(
        default="all",
        metadata={"help": "'all', 'centric:en' (from and to English), 'en-de,de-en', or a file with one a line"},
    )
    valid_directions: Optional[str] = field(
        default=None, metadata={"help": "directions to validate on (default: those of --directions)"}
    )
    source_lang: Optional[str] = field(
        default=None,
        metadata={"help": "source language; with the target, the only direction", "argparse_alias": "-s"},
    )
    target_lang: Optional[str] = field(
        default=None,
        metadata={"help": "target language; with the source, the only direction", "argparse_alias": "-t"},
    )
    encoder_tag: ChoiceEnum(ENCODER_TAGS) = field(  # type: ignore[valid-type]
        default="src",
        metadata={
            "help": "language whose tag starts the encoder's input; with 'src' one encoding of a sentence serves "
            "every target language. The decoder always starts with the target's tag"
        },
    )
    sampling_temperature: float = field(
        default=5.0, metadata={"help": "T of p ~ n^(1/T), the share of a direction with n sentence pairs"}
    )
    updates_per_epoch: int = field(default=1000, metadata={"help": "updates in a (virtual) epoch"})
    batch_pool: int = field(
        default=50_000, metadata={"help": "sentence pairs that are drawn at a time and grouped by length"}
    )
    max_source_positions: int = field(default=1024, metadata={"help": "longest source in tokens, tag and end counted"})
    max_target_positions: int = field(default=1024, metadata={"help": "longest target in tokens, tag and end counted"})
    seed: int = II("common.seed")
    update_freq: List[int] = II("optimization.update_freq")
    max_update: int = II("optimization.max_update")
    train_subset: str = II("dataset.train_subset")
    save_dir: str = II("checkpoint.save_dir")
    post_process: Optional[str] = II("common_eval.post_process")


def check(cfg: ManyToManyTranslationConfig) -> None:
    """Raise UserError with every option that has no sense."""
    problems = []
    if not cfg.data:
        problems.append("the first argument, the folder of a store that `mtdeep prepare` wrote, is missing")
    if not cfg.sampling_temperature > 0:
        problems.append(f"--sampling-temperature is {cfg.sampling_temperature:g}, but must be above 0")
    for name in ("updates_per_epoch", "batch_pool", "max_source_positions", "max_target_positions"):
        if cfg[name] < 1:
            problems.append(f"--{name.replace('_', '-')} is {cfg[name]}, but must be at least 1")
    if problems:
        raise UserError("; ".join(problems) + ".")
