"""Aligned text: what every reader gives and every later step takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

NO_TEXT = "no text"
NOTHING_LEFT = "nothing left after normalisation"


@dataclass(frozen=True)
class Account:
    """Where the rows of a corpus went: ``read = kept + sum(rejected)``.

    Gaps are those of the kept rows, reason -> language -> number: in each language ``kept = sentences + gaps``. Raises
    AssertionError when the counts do not add up: a reader that loses a row is a defect.
    """

    read: int
    kept: int
    rejected: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the sum."""
        if self.read != self.kept + sum(self.rejected.values()):
            raise AssertionError(f"{self.read} rows read, {self.kept} kept, rejected {self.rejected}")


@dataclass(frozen=True)
class AlignedText:
    """Rows aligned over two or more languages, in one split of one corpus.

    ``present`` is (rows, languages) bool: False marks a gap, where ``column`` yields the empty string. ``column`` may
    be called again and again and reads the text anew, so that no corpus has to fit in memory. ``vanished`` has, by
    language, the ascending rows of those gaps where there was text, but `NOTHING_LEFT`.
    """

    name: str
    split: str
    languages: tuple[str, ...]
    present: np.ndarray
    column: Callable[[str], Iterator[str]]
    account: Account
    provenance: dict[str, object]
    vanished: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return how many rows there are, gaps included."""
        return int(self.present.shape[0])

    def sentences(self, language: str) -> int:
        """Return how many rows have a sentence in *language*."""
        return int(self.present[:, self.languages.index(language)].sum())


def count_gaps(
    languages: tuple[str, ...], present: np.ndarray, vanished: Mapping[str, np.ndarray]
) -> dict[str, dict[str, int]]:
    """Return reason -> language -> gaps, without the zeros, for an account; shapes as in `AlignedText`."""
    nothing_left = {language: len(vanished.get(language, ())) for language in languages}
    no_text = {language: int((~present[:, i]).sum()) - nothing_left[language] for i, language in enumerate(languages)}
    gaps = {
        reason: {language: n for language, n in counts.items() if n}
        for reason, counts in ((NO_TEXT, no_text), (NOTHING_LEFT, nothing_left))
    }
    return {reason: counts for reason, counts in gaps.items() if counts}
