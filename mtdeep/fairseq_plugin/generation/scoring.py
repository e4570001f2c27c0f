"""Scores of what is printed, against raw references, direction by direction, each with sacrebleu's signature."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from fairseq import scoring
from fairseq.data import Dictionary
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from mtdeep.corpus import Direction
from mtdeep.errors import UserError
from mtdeep.evaluation.scores import DEFAULT_TOKENIZER, tokenizer_for
from mtdeep.fairseq_plugin.generation.checks import scorer_name

# (references, hypotheses) -> what is printed of the score, and how it was made, sacrebleu's signature.
Score = Callable[[list[str], list[str]], tuple[str, str | None]]


class SplitScorer:
    """Keeps references and hypotheses by direction, and scores them as ``--scoring`` or ``--sacrebleu`` says."""

    def __init__(self, cfg: Any, dictionary: Dictionary, targets: Iterable[str]) -> None:
        self._scores = {target: score_of(cfg, dictionary, target) for target in targets}
        self._pairs: dict[Direction, list[tuple[str, str]]] = {}

    def add(self, direction: Direction, reference: str, hypothesis: str) -> None:
        """Add a segment."""
        self._pairs.setdefault(direction, []).append((reference, hypothesis))

    def results(self) -> dict[Direction, tuple[str, str | None]]:
        """Return each direction's score as it is printed, and its signature, if it has one."""
        return {
            direction: self._scores[direction.target]([r for r, _ in pairs], [h for _, h in pairs])
            for direction, pairs in self._pairs.items()
        }


def score_of(cfg: Any, dictionary: Dictionary, target: str) -> Score:
    """Return what scores a target language; raises UserError when its library is missing, before any translation."""
    name = scorer_name(cfg)
    if cfg.generation.sacrebleu:
        if name not in ("bleu", "sacrebleu"):
            raise UserError(f"--sacrebleu and --scoring {name} exclude each other; give one of them.")
        name = "sacrebleu"
    if name in ("bleu", "sacrebleu"):
        return partial(bleu, bleu_metric(cfg, target), name)
    if name == "chrf":
        return chrf
    try:
        scoring.build_scorer(cfg.scoring, dictionary)
    except ImportError as error:
        raise UserError(f"--scoring {name}: {error}.") from None
    return partial(of_registry, cfg, dictionary)


def bleu_metric(cfg: Any, target: str) -> BLEU:
    """Return sacrebleu's BLEU; raises UserError when the package of its tokeniser is missing.

    fairseq's default tokeniser, 13a, stands for that of the target language.
    """
    options = {}
    tokenizer = tokenizer_for(target)
    if scorer_name(cfg) == "sacrebleu":
        chosen = str(cfg.scoring.sacrebleu_tokenizer)
        tokenizer = tokenizer if chosen == DEFAULT_TOKENIZER else chosen
        tokenizer = "char" if cfg.scoring.sacrebleu_char_level else tokenizer
        options["lowercase"] = bool(cfg.scoring.sacrebleu_lowercase)
    try:
        return BLEU(tokenize=tokenizer, force=True, **options)
    except (ImportError, RuntimeError) as error:  # RuntimeError: how sacrebleu says that a package is missing
        reason = " ".join(str(error).split())
        raise UserError(f"--sacrebleu-tokenizer {tokenizer}: {reason}; or name another tokenizer.") from None


def bleu(metric: BLEU, name: str, references: list[str], hypotheses: list[str]) -> tuple[str, str]:
    """Return sacrebleu's BLEU in the form of fairseq's scorer of this name."""
    score = metric.corpus_score(hypotheses, [references])
    if name == "bleu":
        precisions = "/".join(f"{precision:.1f}" for precision in score.precisions)
        text = (
            f"BLEU4 = {score.score:.2f}, {precisions} (BP={score.bp:.3f}, ratio={score.sys_len / score.ref_len:.3f}, "
            f"syslen={score.sys_len}, reflen={score.ref_len})"
        )
    else:
        text = score.format()
    return text, str(metric.get_signature())


def chrf(references: list[str], hypotheses: list[str]) -> tuple[str, str]:
    """Return sacrebleu's chrF."""
    metric = CHRF()
    return metric.corpus_score(hypotheses, [references]).format(), str(metric.get_signature())


def of_registry(cfg: Any, dictionary: Dictionary, references: list[str], hypotheses: list[str]) -> tuple[str, None]:
    """Return what any other scorer registered with fairseq says of the lines, or of their words if it wants tokens."""
    scorer = scoring.build_scorer(cfg.scoring, dictionary)
    words = Dictionary()  # of its own: the task's would grow, and take two unknown words for one
    for pair in zip(references, hypotheses, strict=True):
        if hasattr(scorer, "add_string"):
            scorer.add_string(*pair)
        else:
            scorer.add(*(words.encode_line(line, add_if_not_exist=True) for line in pair))
    return scorer.result_string(), None
