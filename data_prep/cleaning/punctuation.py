"""Rule: too much punctuation and too many symbols."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.characters import PUNCTUATION
from data_prep.cleaning.rule import CellRule, share
from data_prep.cleaning.texts import Texts


class Punctuation(CellRule):
    """Score: the share of punctuation and symbols in the characters that are no blanks.

    Half is M2M-100's bound; what lies above are tables, lines of code and ornaments.
    """

    name: ClassVar[str] = "punctuation"
    above: ClassVar[str] = "too much"

    max: float | None = 0.5

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the share of punctuation."""
        return share(texts.count_class(PUNCTUATION), texts.not_blank)
