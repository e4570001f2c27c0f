"""Corpus BLEU and chrF++ of one direction, by sacrebleu, each with its signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.bleu import BLEU as BleuMetric
from sacrebleu.metrics.chrf import CHRF as ChrfMetric

from mtdeep.corpus import Direction
from mtdeep.errors import UserError

BLEU, CHRF, COPY_BLEU = "BLEU", "chrF++", "copy BLEU"
METRICS = (BLEU, CHRF, COPY_BLEU)
CHRF_WORD_ORDER = 2  # what makes chrF chrF++
DEFAULT_TOKENIZER = "13a"
# Scripts without spaces between words: WMT scores Chinese with `zh`, and Japanese, as here, with `char`.
_TOKENIZERS = {**dict.fromkeys(("zh", "yue", "lzh"), "zh"), **dict.fromkeys(("ja", "th", "lo", "my", "km"), "char")}


@dataclass(frozen=True)
class DirectionScore:
    """Scores of one direction by metric, and the signatures that BLEU (also of the copy) and chrF++ were made with."""

    direction: Direction
    segments: int
    values: dict[str, float]
    bleu_signature: str
    chrf_signature: str


def tokenizer_for(language: str) -> str:
    """Return sacrebleu's BLEU tokenizer for a target language (canonical code)."""
    return _TOKENIZERS.get(language.split("-")[0], DEFAULT_TOKENIZER)


def check_tokenizer(name: str) -> None:
    """Raise UserError unless sacrebleu has a tokenizer of this name."""
    if name not in BleuMetric.TOKENIZERS:
        raise UserError(f"sacrebleu has no tokenizer {name!r}; it has {', '.join(BleuMetric.TOKENIZERS)}.")


class Scorer:
    """Scores hypotheses against one target's references, whose statistics are made once for all source languages."""

    def __init__(self, references: Sequence[str], tokenizer: str) -> None:
        self.segments = len(references)
        # `force` only silences a warning about tokenised text; it is in no signature and changes no number.
        self._bleu = BleuMetric(tokenize=tokenizer, force=True, references=[list(references)])
        self._chrf = ChrfMetric(word_order=CHRF_WORD_ORDER, references=[list(references)])

    def score(self, direction: Direction, sources: Sequence[str], hypotheses: Sequence[str]) -> DirectionScore:
        """Return BLEU and chrF++ of *hypotheses*, and BLEU of handing the sources back unchanged."""
        return DirectionScore(
            direction=direction,
            segments=self.segments,
            values={
                BLEU: self._bleu.corpus_score(list(hypotheses), None).score,
                CHRF: self._chrf.corpus_score(list(hypotheses), None).score,
                COPY_BLEU: self._bleu.corpus_score(list(sources), None).score,
            },
            bleu_signature=str(self._bleu.get_signature()),
            chrf_signature=str(self._chrf.get_signature()),
        )
