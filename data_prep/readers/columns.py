"""What readers of one file have in common whose rows have a column a language, and one for a name and a score."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_prep.batch import Batch, Rejected
from data_prep.readers.files import OneFile
from data_prep.readers.numbers import number
from data_prep.readers.rows import NO_SCORE, Item, Row, batches_of, excerpt
from data_prep.readers.source import EmptySource


class ColumnFile(OneFile, ABC):
    """A file of rows; a reader says where the columns are, and gives the rows one by one.

    path: the file; id, score: the columns of a row's name and score, None where it has none; longest: as
    `rows.batches_of` has it.
    """

    id: int | str | None
    score: int | str | None
    longest: int

    @property
    @abstractmethod
    def texts(self) -> Mapping[str, int | str]:
        """Return language -> its column."""

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """Yield the rows and what is no row."""

    @property
    @abstractmethod
    def nothing(self) -> EmptySource:
        """Return what to raise for a file without rows."""

    @property
    def languages(self) -> Sequence[str]:
        """Return the languages of the columns."""
        return tuple(self.texts)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError as the reader says, and for a file without rows."""
        return batches_of(
            self.items(),
            self.languages,
            rows,
            self.nothing,
            ids=self.id is not None,
            scores=self.score is not None,
            longest=self.longest,
        )

    def lacking(self, languages: Sequence[str]) -> EmptySource:
        """Return what to raise for languages whose columns have no text."""
        columns = " or ".join(f"{self.texts[language]!r} ({language})" for language in languages)
        return EmptySource(str(self.path), f"no row has a text in {columns}; name another")


def row_of(texts: Sequence[Any], name: Any, score: Any, place: str) -> Row | Rejected:
    """Return the row of what stands in its columns, None where nothing does.

    Without text there is a gap; a name is a text or whole number.
    """
    for text in texts:
        if text is not None and not isinstance(text, str):
            return Rejected("text is no string", place, excerpt(str(text)))
    if name is not None and (isinstance(name, bool) or not isinstance(name, str | int)):
        return Rejected("id is no string", place, excerpt(str(name)))
    value = math.nan if score is None else number(score)
    if value is None:
        return Rejected(NO_SCORE, place, excerpt(str(score)))
    return Row([text or "" for text in texts], place, "" if name is None else str(name), value)
