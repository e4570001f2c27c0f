"""Rule: one character over and over."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.characters import SPACE
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts


class RepeatedCharacters(CellRule):
    """Score: the longest row of one character; blanks do not count.

    20 is stopes' bound: dotted leaders and rules of underscores, but no cry and no row of dots for what is left out.
    """

    name: ClassVar[str] = "repeated_characters"
    above: ClassVar[str] = "one character over and over"
    edges: ClassVar[tuple[float, ...]] = (2, 3, 4, 5, 6, 8, 10, 15, 21, 30, 50, 100)

    max: float | None = 20

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the length of the longest row; 1 where no two neighbours are equal."""
        again = np.zeros(len(texts.codes), bool)
        again[1:] = (texts.codes[1:] == texts.codes[:-1]) & (texts.classes[1:] & SPACE == 0)
        return texts.longest_run(again) + 1.0
