"""Rule: numbers in one sentence that its translation does not have. Off unless it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import ClassVar, Self

import numpy as np

from data_prep.cleaning.characters import CODE_POINTS, DIGIT, classes
from data_prep.cleaning.rule import RowRule, references
from data_prep.cleaning.texts import Texts


class Numbers(RowRule):
    """Score: how many of the digits 1 to 9, of any script, two sentences share, as Dice's coefficient.

    Order, zeros and punctuation do not count, so `5,000.5` agrees with `5 000,50` and 4/7 with 7.4.; in rows of more
    than two languages a sentence is compared with the median of how often the row has each digit. Nothing to say
    where neither has digits.

    Off by default: languages spell numbers out, count years and hours differently, and write lakhs or 萬. Mozilla found
    that the rule of OpusCleaner (`num_mismatch`) likely cost quality
    (https://github.com/mozilla/translations/issues/814).
    """

    name: ClassVar[str] = "numbers"
    below: ClassVar[str] = "numbers differ"

    enabled: bool = False
    min: float | None = 0.5

    @classmethod
    def row_scores(cls, rules: Mapping[str, Self], columns: Mapping[str, Texts]) -> Mapping[str, np.ndarray]:
        """Return Dice's coefficient; NaN where a sentence has no other beside it, or neither has digits."""
        counts = np.stack([_digits(columns[language]) for language in rules])
        expected = np.stack([references(counts[:, :, i]) for i in range(counts.shape[2])], axis=2)
        both = counts.sum(axis=2) + expected.sum(axis=2)
        shared = np.minimum(counts, expected).sum(axis=2)
        dice = np.divide(2 * shared, both, out=np.full(both.shape, np.nan), where=both > 0)
        return dict(zip(rules, dice))


def _digits(texts: Texts) -> np.ndarray:
    """Return (texts, 9) float64: how often each has 1, ..., 9; NaN for gaps."""
    positions = np.flatnonzero(texts.classes & DIGIT)
    values = _values()[texts.codes[positions]]
    counts = np.bincount(texts.owners(positions) * 10 + values, minlength=10 * len(texts)).reshape(-1, 10)[:, 1:]
    return np.where(texts.present[:, None], counts, np.nan)


@cache
def _values() -> np.ndarray:
    """Return (CODE_POINTS,) uint8: the value of a digit. Unicode has them in unbroken tens from 0 up."""
    found = np.flatnonzero(classes() & DIGIT)
    table = np.zeros(CODE_POINTS, np.uint8)
    table[found] = np.arange(len(found)) % 10
    return table
