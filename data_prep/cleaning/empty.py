"""Rule: a sentence with nothing to see in it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.characters import VISIBLE
from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts


class Empty(CellRule):
    """Score: visible characters after the transforms (no blanks, controls, formats, ignorables such as U+200B)."""

    name: ClassVar[str] = "empty"
    below: ClassVar[str] = "nothing to see"
    edges: ClassVar[tuple[float, ...]] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

    min: float | None = 1

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the number of visible characters."""
        return texts.count_class(VISIBLE).astype(float)
