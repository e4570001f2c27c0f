"""One metric over directions, with averages that say what they cover.

A direction that was asked for and has no score is a gap: it stands in no average, and every average says how many of
its directions it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from mtdeep.corpus import Direction
from mtdeep.evaluation.scores import BLEU, CHRF, DirectionScore


@dataclass(frozen=True)
class Average:
    """Mean of the directions found; None where there is none."""

    value: float | None
    found: int
    expected: int

    @property
    def coverage(self) -> str:
        """For example `11/12`: directions in the average, of those asked for."""
        return f"{self.found}/{self.expected}"

    def __str__(self) -> str:
        text = "no score" if self.value is None else f"{self.value:.2f}"
        return text if self.found == self.expected else f"{text} ({self.coverage} directions)"


@dataclass(frozen=True)
class Matrix:
    """Values of one metric for the *expected* directions between *languages* (rows: source, columns: target)."""

    metric: str
    languages: tuple[str, ...]
    expected: tuple[Direction, ...]
    values: dict[Direction, float]
    signatures: tuple[str, ...]

    @classmethod
    def of(cls, metric: str, expected: Sequence[Direction], scores: Iterable[DirectionScore]) -> Matrix:
        """Pick one metric out of the scores; languages stand in the order of the expected directions."""
        scores = list(scores)
        languages = dict.fromkeys(code for d in expected for code in (d.source, d.target))
        signatures = dict.fromkeys(s.chrf_signature if metric == CHRF else s.bleu_signature for s in scores)
        values = {score.direction: score.values[metric] for score in scores}
        return cls(metric, tuple(languages), tuple(expected), values, tuple(signatures))

    def value(self, source: str, target: str) -> float | None:
        """Return the score of a direction, None for a gap and for what was not asked for."""
        return self.values.get(Direction(source, target))

    def average(self) -> Average:
        """Return the mean over all directions."""
        return self._average(self.expected)

    def average_from(self, source: str) -> Average:
        """Return the mean over the directions out of a language."""
        return self._average([d for d in self.expected if d.source == source])

    def average_to(self, target: str) -> Average:
        """Return the mean over the directions into a language."""
        return self._average([d for d in self.expected if d.target == target])

    def gaps(self) -> list[Direction]:
        """Return the directions that were asked for and have no score."""
        return [direction for direction in self.expected if direction not in self.values]

    def _average(self, directions: Sequence[Direction]) -> Average:
        values = [self.values[direction] for direction in directions if direction in self.values]
        return Average(fmean(values) if values else None, len(values), len(directions))


def note_on_signatures(matrix: Matrix) -> str:
    """Return the signatures in one line; BLEU has one for each tokenizer used."""
    if matrix.metric == BLEU and len(matrix.signatures) > 1:
        return " and, by target language, ".join(matrix.signatures)
    return ", ".join(matrix.signatures)
