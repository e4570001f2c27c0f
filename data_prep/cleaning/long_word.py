"""Rule: words too long to be any, where the script has words."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.characters import SPACE, WITHOUT_WORDS
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts
from mtdeep.languages import script


class LongWord(CellRule):
    """Score: characters of the longest word; nothing to say of scripts that have none.

    What is longer than 100 (OPUS-MT's bound; OpusFilter has 40, which true compounds and addresses reach) is no word:
    base64, lost blanks, a line of underscores.
    """

    name: ClassVar[str] = "long_word"
    above: ClassVar[str] = "too long"
    edges: ClassVar[tuple[float, ...]] = (5, 10, 15, 20, 25, 30, 40, 50, 75, 101, 200, 500)

    max: float | None = 100

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the length of the longest word."""
        if script(language) in WITHOUT_WORDS:
            return np.full(len(texts), np.nan)
        return texts.longest_run(texts.classes & SPACE == 0).astype(float)
