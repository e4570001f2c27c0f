"""Rows by columns: what every reader gives, some thousands at a time, and every rule looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rejected:
    """A row that could not be read: why, in words that are equal for equal reasons, and where it stands.

    *place* is what a person finds it by: a line, a unit's number, an id. *excerpt* is what could be made of it, at most
    a few hundred characters.
    """

    reason: str
    place: str
    excerpt: str = ""


@dataclass(frozen=True)
class RejectedText:
    """A text of one language that could not be read, of a row that stays for its others and has a gap there.

    Otherwise as `Rejected`.
    """

    language: str
    reason: str
    place: str
    excerpt: str = ""


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of one source.

    columns: language -> text of each row, the empty string for a gap; all of one length. Text is as it was written: no
    normalisation, no stripping; a line's end is no part of it.
    first: the number of the first row in its source, from 0; rejected rows have no number.
    rejected: what stood between or behind these rows and could not be read: rows read = rows + len(rejected).
    rejected_texts: which of the gaps are texts that could not be read: texts read = texts + those of the language.
    ids: the source's own names of the rows (a verse, a tuid, a key), where it has them.
    scores: the source's own score of each row (mined text), where it has one; larger is better.
    """

    first: int
    columns: Mapping[str, Sequence[str]]
    rejected: Sequence[Rejected] = ()
    ids: Sequence[str] | None = None
    scores: Sequence[float] | None = None
    rejected_texts: Sequence[RejectedText] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    """What was left aside and is no row: reason -> number, such as units' texts in languages not asked for."""

    def __post_init__(self) -> None:
        """Raise AssertionError when the columns differ in length: a reader that shifts a side is a defect."""
        lengths = {len(column) for column in (*self.columns.values(), self.ids, self.scores) if column is not None}
        if len(lengths) != 1:
            raise AssertionError(f"columns of {sorted(lengths)} rows in one batch")

    @property
    def rows(self) -> int:
        """Return how many rows there are, gaps included."""
        return len(next(iter(self.columns.values())))
