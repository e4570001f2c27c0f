"""Aligned text: what every reader gives and every later step takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Account:
    """Where the rows of a corpus went: ``read = kept + sum(rejected)``; gaps are counted apart, by language.

    Raises AssertionError when the counts do not add up: a reader that loses a row is a defect.
    """

    read: int
    kept: int
    rejected: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the sum."""
        if self.read != self.kept + sum(self.rejected.values()):
            raise AssertionError(f"{self.read} rows read, {self.kept} kept, rejected {self.rejected}")


@dataclass(frozen=True)
class AlignedText:
    """Rows aligned over two or more languages, in one split of one corpus.

    ``present`` is (rows, languages) bool: False marks a gap, where ``column`` yields the empty string. ``column`` may
    be called again and again and reads the text anew, so that no corpus has to fit in memory.
    """

    name: str
    split: str
    languages: tuple[str, ...]
    present: np.ndarray
    column: Callable[[str], Iterator[str]]
    account: Account
    provenance: dict[str, object]

    @property
    def rows(self) -> int:
        """Return how many rows there are, gaps included."""
        return int(self.present.shape[0])

    def sentences(self, language: str) -> int:
        """Return how many rows have a sentence in *language*."""
        return int(self.present[:, self.languages.index(language)].sum())
