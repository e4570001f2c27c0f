"""Rule: too few or too many characters."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.rule import CellRule
from data_prep.cleaning.texts import Texts


class Length(CellRule):
    """Score: characters (code points), which every script has.

    The default maximum is stopes' for NLLB (1,050, there after a factor that makes languages comparable); no minimum,
    because short phrases are what a small corpus of good text has most of.
    """

    name: ClassVar[str] = "length"
    below: ClassVar[str] = "too short"
    above: ClassVar[str] = "too long"
    edges: ClassVar[tuple[float, ...]] = (2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1051, 2000, 5000)

    min: float | None = 1
    max: float | None = 1050

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return the number of characters."""
        return texts.lengths.astype(float)
