"""Tab-separated values: one row a line, a language a column; mined text has a score beside. Quotes are text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

from data_prep.batch import Rejected
from data_prep.readers.columns import ColumnFile, row_of
from data_prep.readers.lines import split_lines
from data_prep.readers.opening import read_blocks
from data_prep.readers.rows import LONGEST, Item, Row, excerpt, on_one_line
from data_prep.readers.source import EmptySource
from mtdeep.errors import UserError

_LOOKED_AT, _LOOKED_AT_CHARACTERS = 1000, 1 << 18  # lines, to know how many columns there are
_Line = tuple[int, list[str]]
"""A line's number, from 1, and its fields."""


@dataclass(frozen=True)
class Tsv(ColumnFile):
    """A file of tab-separated values, plain or compressed.

    columns: language -> its column, by number from 1 or by the name that the first line gives it; names, here or in
    *score* and *id*, mean that the first line is a header, and *header* says so where all are numbers.
    score, id: the columns of the row's score and name.
    Every line must have as many columns as most have: a tab too many inside a sentence shifts the others.
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
    def nothing(self) -> EmptySource:
        """Return what to raise for a file without rows."""
        return EmptySource(str(self.path), "no row in it; give a file with one row a line, or leave it out")

    def items(self) -> Iterator[Item]:
        """Yield a row a line; raises UserError for a column that the lines lack, and a header that is not theirs."""
        lines = self._lines()
        start = _first_lines(lines)
        asked = [*self.columns.values(), *[c for c in (self.id, self.score) if c is not None]]
        header = None
        if self.header or any(isinstance(column, str) for column in asked):
            header = next((line for line in start if isinstance(line, tuple)), None)
        rows = [line for line in start if isinstance(line, tuple) and line is not header]
        if header or rows:
            width = _most_frequent_width(rows, header, asked)
            places = [self._place(column, header, width) for column in asked]
            if header and rows and len(header[1]) != width:
                raise UserError(
                    f"{self.path}:{header[0]}: {len(header[1])} columns in the header, {width} in most lines; "
                    "correct it, or give the columns by number and no header"
                )
        for line in chain(start, lines):
            if isinstance(line, Rejected):
                yield line
            elif line is not header:
                yield self._row(line, width, places)

    def _lines(self) -> Iterator[_Line | Rejected]:
        number = 0
        for block in split_lines(read_blocks(self.path), self.path, self.longest):
            for i, text in enumerate(block.texts):
                number += 1
                if i in block.damage:
                    yield Rejected(block.damage[i].reason, f"line {number}", block.damage[i].excerpt)
                else:
                    yield number, text.split("\t")

    def _row(self, line: _Line, width: int, places: Sequence[int]) -> Row | Rejected:
        number, fields = line
        place = f"line {number}"
        if len(fields) != width:
            few = "fewer" if len(fields) < width else "more"
            return Rejected(f"{few} columns than most lines", place, excerpt("\t".join(fields)))
        score = fields[places[-1]] if self.score is not None else None
        name = fields[places[len(self.columns)]] if self.id is not None else None
        return row_of([fields[i] for i in places[: len(self.columns)]], name, score, place)

    def _place(self, column: int | str, header: _Line | None, width: int) -> int:
        """Return a column's place from 0. Raises UserError for a name that the header lacks, a number above *width*."""
        if isinstance(column, int):
            if not 1 <= column <= width:
                has = f"most lines have {width}; columns are counted from 1"
                raise UserError(f"{self.path}:1: no column {column}, {has}")
            return column - 1
        names = header[1] if header else []
        if names.count(column) != 1:
            how = "no column" if column not in names else "more than one column"
            shown = on_one_line(", ".join(names))
            raise UserError(f"{self.path}:1: {how} {column!r} in the first line ({shown}); name another")
        return names.index(column)


def _first_lines(lines: Iterator[_Line | Rejected]) -> list[_Line | Rejected]:
    """Return the lines that are looked at before any is a row, two undamaged ones at least, taken from *lines*."""
    start: list[_Line | Rejected] = []
    whole = size = 0
    for line in lines:
        start.append(line)
        if isinstance(line, tuple):
            whole += 1
            size += sum(map(len, line[1]))
        if whole > 1 and (len(start) >= _LOOKED_AT or size > _LOOKED_AT_CHARACTERS):
            break
    return start


def _most_frequent_width(rows: Sequence[_Line], header: _Line | None, asked: Sequence[int | str]) -> int:
    """Return how many columns most *rows* have, of those with all that are asked for by number, if there are any.

    A line that is odd, the first one included, decides nothing: of equally frequent numbers the header's or the first
    row's is taken.
    """
    first = len((header or rows[0])[1])
    least = max((column for column in asked if isinstance(column, int)), default=0)
    widths = Counter(len(fields) for _, fields in rows) or Counter({first: 1})
    enough = {width: number for width, number in widths.items() if width >= least} or widths
    return max(enough, key=lambda width: (enough[width], width == first))
