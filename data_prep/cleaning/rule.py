"""What a rule is: a score for each sentence, and the bounds within which it is kept.

Scores stand apart from bounds, so that a report can show what other bounds would reject. NaN is the score of a text
that the rule has nothing to say of: it is kept, and counted as unchecked.

A rule is its own settings: a frozen model whose fields are the keys of the configuration, one instance for each
language. What a rule's class says beside them is its name, the words for its reasons and the edges of its histogram.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import model_validator

from data_prep.cleaning.texts import Texts
from data_prep.strict import Strict

SHARES = tuple(i / 20 for i in range(1, 21))
"""Edges of the histogram of a share."""


class Rule(Strict):
    """Bounds on a score; a score outside is a reason to reject, one on a bound is not."""

    name: ClassVar[str]
    below: ClassVar[str] = "too low"
    """What is wrong with a text whose score is less than `min`."""
    above: ClassVar[str] = "too high"
    """What is wrong with a text whose score is more than `max`."""
    edges: ClassVar[tuple[float, ...]] = SHARES
    """Edges of the scores' histogram, ascending: bin i holds edges[i - 1] <= score < edges[i]."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """Those of which another version may give other scores (`engine.libraries`), beside what every rule looks at text
    with (`settings.LIBRARIES`)."""

    enabled: bool = True
    min: float | None = None
    max: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _switch(cls, given: object) -> object:
        """Take `rule: false` for `rule: {enabled: false}`."""
        return {"enabled": given} if isinstance(given, bool) else given

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        said = self.model_fields_set
        if {"min", "max"} <= said and self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is more than max {self.max:g}; nothing would be kept")
        return self

    def outside(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return two arrays (texts,) bool: below `min`, above `max`; False for NaN."""
        nowhere = np.zeros(scores.shape, bool)
        return (
            nowhere if self.min is None else scores < self.min,
            nowhere if self.max is None else scores > self.max,
        )

    def reasons(self) -> tuple[str, str]:
        """Return the names of the two reasons, as `outside` orders them."""
        return f"{self.name}: {self.below}", f"{self.name}: {self.above}"

    @property
    def used_libraries(self) -> tuple[str, ...]:
        """Return `libraries`, of rules that ask different ones those that these settings choose."""
        return self.libraries

    @property
    def used_file(self) -> str | None:
        """Return the path of a file whose content decides the scores, None where there is none."""
        return None

    def decided(self) -> dict[str, Any]:
        """Return as plain data what decides what the rule rejects and records: all settings, reasons, edges."""
        return {**self.model_dump(mode="json"), "reasons": self.reasons(), "edges": self.edges}

    def histogram(self, scores: np.ndarray) -> np.ndarray:
        """Return (len(edges) + 1,) int64: how many scores each bin has; NaN is in none."""
        bins = np.searchsorted(self.edges, scores[~np.isnan(scores)], side="right")
        return np.bincount(bins, minlength=len(self.edges) + 1)


class CellRule(Rule):
    """A rule that looks at one sentence of one language."""

    slow: ClassVar[bool] = False
    """Whether its scores are worth asking for only where no other rule has rejected the text."""

    @abstractmethod
    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return (texts,) float64; NaN where the rule has nothing to say. Nobody looks at the scores of gaps."""


class RowRule(Rule):
    """A rule that compares the sentences of a row with one another.

    It names the cells that are at fault: both of a pair, and in a row of more languages those that differ from the
    others, or repeat one.
    """

    @classmethod
    @abstractmethod
    def row_scores(cls, rules: Mapping[str, Self], columns: Mapping[str, Texts]) -> Mapping[str, np.ndarray]:
        """Return language -> (rows,) float64 for the languages of *rules*, each with its own settings.

        NaN where the rule has nothing to say, such as where the sentence has no other to compare it with.
        """

    def seen_beside(self, language: str, row: Mapping[str, str]) -> str | None:
        """Return beside which other of a *row*'s texts one at fault is understood; None where it may be any."""
        return None


def share(part: np.ndarray, whole: np.ndarray, least: int = 1) -> np.ndarray:
    """Return part / whole as float64, NaN where the whole is less than *least* (1 or more)."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole >= least)


def references(stack: np.ndarray) -> np.ndarray:
    """Return what each sentence of a row is compared with: the other one of a pair, the row's median otherwise.

    stack: (languages, rows) float64, NaN for gaps. The result has its shape; NaN where there is nothing to compare.
    """
    number = np.count_nonzero(~np.isnan(stack), axis=0)
    ascending = np.sort(stack, axis=0)  # NaN last
    columns = np.arange(stack.shape[1])
    lower, upper = np.maximum(number - 1, 0) // 2, number // 2
    median = (ascending[lower, columns] + ascending[np.minimum(upper, len(stack) - 1), columns]) / 2
    other = np.nansum(stack, axis=0) - stack
    return np.where(number == 2, other, np.where((number > 2) & ~np.isnan(stack), median, np.nan))
