"""Rule: too many words, where the script has words."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.characters import SPACE, WITHOUT_WORDS
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts
from mtdeep.languages import script


class Words(CellRule):
    """Score: what blanks divide; nothing to say of scripts that have none between words.

    250 is Moses' (clean-corpus-n 1 250, as M2M-100 and OPUS-MT have it); longer is a paragraph.
    """

    name: ClassVar[str] = "words"
    below: ClassVar[str] = "too few"
    above: ClassVar[str] = "too many"
    edges: ClassVar[tuple[float, ...]] = (2, 3, 5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 251, 500)

    max: float | None = 250

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the number of words."""
        if script(language) in WITHOUT_WORDS:
            return np.full(len(texts), np.nan)
        ink = texts.classes & SPACE == 0
        first = ink.copy()
        first[1:] &= ~ink[:-1]
        return texts.count_where(first).astype(float)
