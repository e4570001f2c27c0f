"""Rule: a sentence much longer or shorter than its translation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from data_prep.cleaning.length_factors import factor_of
from data_prep.cleaning.rule import RowRule, references
from data_prep.cleaning.texts import Texts


class LengthRatio(RowRule):
    """Score: l / l' or l' / l, whichever is larger, for comparable lengths l = f n + smoothing.

    n are characters and f the language's factor, which makes its length comparable with English (Chinese: about 3), so
    that one bound serves all languages: given, or from the table in length_factors.tsv. l' is that of the other
    sentence of a pair, in longer rows the median. The smoothing keeps "OK" beside "In Ordnung".
    """

    name: ClassVar[str] = "length_ratio"
    above: ClassVar[str] = "lengths too different"
    edges: ClassVar[tuple[float, ...]] = (1.1, 1.2, 1.3, 1.5, 1.75, 2, 2.5, 3, 4, 5, 9)

    max: float | None = 3
    factor: float | None = Field(default=None, gt=0)
    smoothing: float = Field(default=15, ge=0)

    @classmethod
    def row_scores(cls, rules: Mapping[str, Self], columns: Mapping[str, Texts]) -> Mapping[str, np.ndarray]:
        """Return the ratios; NaN where a sentence has no other beside it."""
        lengths = np.stack([rule._comparable(language, columns[language]) for language, rule in rules.items()])
        others = references(lengths)
        return dict(zip(rules, np.maximum(lengths / others, others / lengths)))

    def _comparable(self, language: str, texts: Texts) -> np.ndarray:
        factor = factor_of(language) if self.factor is None else self.factor
        return np.where(texts.present, texts.lengths * factor + self.smoothing, np.nan)
