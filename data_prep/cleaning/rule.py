"""What a rule is: a score for each text, and the bounds within which it is kept.

Scores stand apart from bounds, so that a report can show what other bounds would reject. NaN is the score of a text
that the rule has nothing to say of: it is kept, and counted as unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np


class CellRule(Protocol):
    """A rule that looks at one sentence of one language."""

    name: ClassVar[str]

    def scores(self, language: str, texts: Sequence[str]) -> np.ndarray:
        """Return (texts,) float64; NaN where the rule has nothing to say, gaps (empty texts) among them."""

    def keeps(self, scores: np.ndarray) -> np.ndarray:
        """Return (texts,) bool, True for NaN."""


class RowRule(Protocol):
    """A rule that compares the sentences of a row with one another.

    It names the cells that are at fault: both of a pair, and in a row of more languages those that differ from the
    others. A row is left as long as it has sentences in two languages.
    """

    name: ClassVar[str]

    def scores(self, columns: Mapping[str, Sequence[str]]) -> Mapping[str, np.ndarray]:
        """Return language -> (rows,) float64; NaN where the rule has nothing to say, gaps among them."""

    def keeps(self, scores: np.ndarray) -> np.ndarray:
        """Return (rows,) bool, True for NaN."""
