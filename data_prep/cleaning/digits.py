"""Rule: too many digits."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.characters import DIGIT
from data_prep.cleaning.rule import CellRule, share
from data_prep.cleaning.texts import Texts


class Digits(CellRule):
    """Score: the share of decimal digits, of any script, in the characters that are no blanks.

    stopes has 0.2 for monolingual text that there is plenty of; a date or a price may well be half digits.
    """

    name: ClassVar[str] = "digits"
    above: ClassVar[str] = "too many"

    max: float | None = 0.5

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the share of digits."""
        return share(texts.count_class(DIGIT), texts.not_blank)
