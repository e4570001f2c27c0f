"""Tab-separated values: one row a line, a language a column; mined text has a score beside. Quotes are text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from data_prep.batch import Rejected
from data_prep.readers.columns import ColumnFile, row_of
from data_prep.readers.lines import split_lines
from data_prep.readers.opening import read_blocks
from data_prep.readers.rows import LONGEST, Item, Row, excerpt, on_one_line
from mtdeep.errors import UserError


@dataclass(frozen=True)
class Tsv(ColumnFile):
    """A file of tab-separated values, plain or compressed.

    columns: language -> its column, by number from 1 or by the name that the first line gives it; names, here or in
    *score* and *id*, mean that the first line is a header, and *header* says so where all are numbers.
    score, id: the columns of the row's score and name.
    Every line must have as many columns as the first: a tab too many inside a sentence shifts the others.
    longest: bytes of the longest line that is read.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    path: Path
    columns: Mapping[str, int | str]
    score: int | str | None = None
    id: int | str | None = None
    header: bool = False
    longest: int = LONGEST

    @property
    def texts(self) -> Mapping[str, int | str]:
        """Return the columns."""
        return self.columns

    @property
    def nothing(self) -> str:
        """Return the sentence for a file without rows."""
        return f"{self.path}:1: no row in it; give a file with one row a line, or leave it out"

    def items(self) -> Iterator[Item]:
        """Yield a row a line; raises UserError for a column that the first line lacks."""
        asked = [*self.columns.values(), *[c for c in (self.id, self.score) if c is not None]]
        has_header = self.header or any(isinstance(column, str) for column in asked)
        width, places = 0, [0]
        line = 0
        for block in split_lines(read_blocks(self.path), self.path, self.longest):
            for i, text in enumerate(block.texts):
                line += 1
                if i in block.damage:
                    yield Rejected(block.damage[i].reason, f"line {line}", block.damage[i].excerpt)
                    continue
                fields = text.split("\t")
                if not width:
                    width, places = len(fields), [self._place(column, fields) for column in asked]
                    if has_header:
                        continue
                yield self._row(fields, width, places, line)

    def _row(self, fields: list[str], width: int, places: Sequence[int], line: int) -> Row | Rejected:
        place = f"line {line}"
        if len(fields) != width:
            few = "fewer" if len(fields) < width else "more"
            return Rejected(f"{few} columns than the first line", place, excerpt("\t".join(fields)))
        score = fields[places[-1]] if self.score is not None else None
        name = fields[places[len(self.columns)]] if self.id is not None else None
        return row_of([fields[i] for i in places[: len(self.columns)]], name, score, place)

    def _place(self, column: int | str, first: Sequence[str]) -> int:
        """Return a column's place from 0. Raises UserError when the *first* line has no such column."""
        if isinstance(column, str):
            if first.count(column) != 1:
                how = "no column" if column not in first else "more than one column"
                names = on_one_line(", ".join(first))
                raise UserError(f"{self.path}:1: {how} {column!r} in the first line ({names}); name another")
            return first.index(column)
        if not 1 <= column <= len(first):
            raise UserError(
                f"{self.path}:1: no column {column}, the first line has {len(first)}; columns are counted from 1"
            )
        return column - 1
