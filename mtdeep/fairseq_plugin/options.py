"""Options of the task ``many_to_many_translation``, as fairseq reads them off a dataclass.

fairseq looks at the annotations themselves and knows only the forms of Python 3.6: no postponed annotations here, and
``Optional`` and ``List`` from ``typing``.
"""

# ruff: noqa: RUF009, UP006, UP035, UP045

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional

from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from omegaconf import II

from mtdeep.corpus.collate import ENCODER_TAGS
from mtdeep.corpus.origins import parse_origin_weights
from mtdeep.corpus.sampling import Capped, Sampling, Temperature, unimax
from mtdeep.corpus.views import DirectionView
from mtdeep.corpus.weights_file import FileWeights
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.fairseq_options.other_tasks import SAMPLING_METHODS

DEFAULT_TEMPERATURE = 5.0
POSITIVE = ("sampling_temperature", "sampling_max_epochs", "sampling_budget")
AT_LEAST_ONE = (
    *("updates_per_epoch", "batch_pool", "max_source_positions", "max_target_positions"),
    *("eval_bleu_directions", "eval_bleu_sentences", "eval_bleu_beam"),
)
WITH_TEMPERATURE = ("temperature", "capped", *SAMPLING_METHODS)
#: What tasks of earlier revisions recorded in checkpoints and this one has no use for.
RETIRED = ("post_process",)
NEEDED_BY = dict.fromkeys(("unimax", "capped"), ("sampling_max_epochs", "sampling_budget"))


@dataclass
class ManyToManyTranslationConfig(FairseqDataclass):
    """Options of the task; checkpoints record them."""

    data: str = field(default="", metadata={"help": "corpus store written by `mtdeep prepare`"})
    directions: str = field(
        default="all",
        metadata={
            "help": "any of these, separated by commas: 'all'; 'centric:en' (from and to English); 'group:family' "
            "(within groups by script, family, branch or a file); 'bridge:family' (also between their bridge "
            "languages); 'en-de'; or a file with one a line"
        },
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
    tag_back_translated: bool = field(
        default=False, metadata={"help": "put <bt> behind the encoder's tag in sentences of back-translated corpora"}
    )
    sampling_method: str = field(
        default="temperature",
        metadata={
            "help": "how often each direction is drawn: 'temperature', p ~ n^(1/T) for n sentence pairs; 'unimax', all "
            "alike, and 'capped', as by temperature, but none more than --sampling-max-epochs times within "
            "--sampling-budget; or a file of weights, 'de-en 2.0' or 'CORPUS 2.0' a line"
        },
    )
    sampling_temperature: Optional[float] = field(
        default=None,
        metadata={"help": f"T of --sampling-method temperature and capped (default: {DEFAULT_TEMPERATURE:g})"},
    )
    sampling_max_epochs: Optional[float] = field(
        default=None,
        metadata={"help": "times that a sentence pair is seen at most, of --sampling-method unimax and capped"},
    )
    sampling_budget: Optional[int] = field(
        default=None,
        metadata={"help": "sentence pairs that the training draws in all, of --sampling-method unimax and capped"},
    )
    origin_weights: Optional[str] = field(
        default=None,
        metadata={"help": "what a sentence pair of an origin counts, such as 'mined=0.5,back_translated=0.3' (else 1)"},
    )
    updates_per_epoch: int = field(default=1000, metadata={"help": "updates in a (virtual) epoch"})
    batch_pool: int = field(
        default=50_000, metadata={"help": "sentence pairs that are drawn at a time and grouped by length"}
    )
    max_source_positions: int = field(default=1024, metadata={"help": "longest source in tokens, tag and end counted"})
    max_target_positions: int = field(default=1024, metadata={"help": "longest target in tokens, tag and end counted"})
    eval_bleu: bool = field(
        default=False,
        metadata={"help": "log BLEU at each validation, of sentences drawn from its split"},
    )
    eval_bleu_directions: int = field(default=12, metadata={"help": "directions that --eval-bleu draws"})
    eval_bleu_sentences: int = field(default=50, metadata={"help": "sentences of each that --eval-bleu draws"})
    eval_bleu_beam: int = field(default=1, metadata={"help": "hypotheses that --eval-bleu keeps of a sentence"})
    eval_bleu_groups: Optional[str] = field(
        default=None,
        metadata={
            "help": "log averages from and into groups too, such as bleu_into_gem: by 'language', 'script', "
            "'family', 'branch' or a file with 'NAME: code code' a line"
        },
    )
    alignment_layer: Optional[int] = field(
        default=None,
        metadata={
            "help": "decoder layer, from 0, whose cross-attention --print-alignment and --replace-unk read (default: "
            "the last but one)"
        },
    )
    seed: int = II("common.seed")
    update_freq: List[int] = II("optimization.update_freq")
    max_epoch: int = II("optimization.max_epoch")
    max_update: int = II("optimization.max_update")
    train_subset: str = II("dataset.train_subset")
    save_dir: str = II("checkpoint.save_dir")


def check(cfg: ManyToManyTranslationConfig) -> None:
    """Raise UserError with every option that has no sense."""
    problems = []
    if not cfg.data:
        problems.append("the folder of a store that `mtdeep prepare` wrote is missing (first argument, or task.data)")
    for name in POSITIVE:
        if cfg[name] is not None and not cfg[name] > 0:
            problems.append(f"{flag(name)} is {cfg[name]:g}, but must be above 0")
    for name in AT_LEAST_ONE:
        if cfg[name] < 1:
            problems.append(f"{flag(name)} is {cfg[name]}, but must be at least 1")
    if cfg.sampling_max_epochs == math.inf:
        problems.append("--sampling-max-epochs is inf, but must be finite; no limit is --sampling-method temperature")
    try:
        origin_weights(cfg)
    except UserError as error:
        problems.append(f"--origin-weights: {error}")
    if cfg.sampling_method in SAMPLING_METHODS:
        problems.append(f"--sampling-method {cfg.sampling_method}: here it is {SAMPLING_METHODS[cfg.sampling_method]}")
    needed = NEEDED_BY.get(cfg.sampling_method, ())
    missing = [flag(name) for name in needed if cfg[name] is None]
    if missing:
        problems.append(f"--sampling-method {cfg.sampling_method} needs {' and '.join(missing)}")
    taken = {*needed, *(("sampling_temperature",) if cfg.sampling_method in WITH_TEMPERATURE else ())}
    idle = [flag(name) for name in POSITIVE if cfg[name] is not None and name not in taken]
    if idle:
        method = f"--sampling-method {cfg.sampling_method}"
        problems.append(f"{' and '.join(idle)} would have no effect with {method}; leave that out")
    if cfg.eval_bleu_groups is not None and not cfg.eval_bleu:
        problems.append("--eval-bleu-groups has no effect without --eval-bleu; give that too")
    if problems:
        raise UserError("; ".join(problems) + ".")


def flag(name: str) -> str:
    """The flag of an option."""
    return f"--{name.replace('_', '-')}"


def origin_weights(cfg: ManyToManyTranslationConfig) -> dict[str, float]:
    """Return the weights of origins that the options give; raises UserError when they are malformed."""
    return {} if cfg.origin_weights is None else parse_origin_weights(cfg.origin_weights)


def sampling(cfg: ManyToManyTranslationConfig, views: Sequence[DirectionView]) -> Sampling:
    """Return what the options say of how often *views* are drawn; raises UserError for a wrong file of weights."""
    temperature = DEFAULT_TEMPERATURE if cfg.sampling_temperature is None else cfg.sampling_temperature
    if cfg.sampling_method == "temperature":
        return Temperature(temperature)
    if cfg.sampling_max_epochs is None or cfg.sampling_budget is None:  # `check` has made sure that it is a file
        return FileWeights.read(Path(cfg.sampling_method), views)
    if cfg.sampling_method == "unimax":
        return unimax(cfg.sampling_max_epochs, cfg.sampling_budget)
    return Capped(temperature, cfg.sampling_max_epochs, cfg.sampling_budget)
