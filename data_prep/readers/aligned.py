"""Files that are aligned line by line, read side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from operator import itemgetter
from pathlib import PurePath

from data_prep.batch import Batch, Rejected, RejectedText
from data_prep.readers.lines import Damage, LineBlock
from data_prep.readers.numbers import number
from data_prep.readers.rows import NO_SCORE, excerpt, needs_every_language
from data_prep.readers.source import EmptySource
from mtdeep.errors import UserError

_EMPTY = "the file is empty; give a file with one sentence a line, or leave it out"


class Column:
    """The lines of one file, as many at a time as are asked for. *name* is what messages call the file."""

    def __init__(self, name: str, blocks: Iterator[LineBlock]) -> None:
        self.name = name
        self._blocks = blocks
        self._texts: list[str] = []
        self._at = 0  # how many of the texts are taken
        self._taken = 0  # lines
        self._damage: deque[tuple[int, Damage]] = deque()  # line, from 0

    def place(self, line: int) -> str:
        """Return where a line stands, the first being 0, as `Rejected` has it."""
        return f"{PurePath(self.name).name}:{line + 1}"

    def take(self, lines: int) -> tuple[list[str], dict[int, Damage]]:
        """Return the next *lines* lines, fewer at the end, and which of them are damaged."""
        while len(self._texts) - self._at < lines and (block := next(self._blocks, None)):
            if self._at:
                self._texts, self._at = self._texts[self._at :], 0
            first = self._taken + len(self._texts)
            self._damage.extend((first + place, damage) for place, damage in block.damage.items())
            self._texts += block.texts
        texts = self._texts[self._at : self._at + lines]
        damaged: dict[int, Damage] = {}
        while self._damage and self._damage[0][0] < self._taken + len(texts):
            line, damage = self._damage.popleft()
            damaged[line - self._taken] = damage
        self._at += len(texts)
        self._taken += len(texts)
        return texts, damaged


def aligned_batches(columns: Mapping[str, Column], rows: int, scores: Column | None = None) -> Iterator[Batch]:
    """Yield the lines of *columns* (language -> its file) as batches of *rows* lines, rejected ones among them.

    A damaged line rejects its row; in three and more languages it is a gap and a rejected text. A line of *scores* that
    is no number rejects its row. Raises UserError for files of unequal length and when there is no line.
    """
    read = kept = 0
    while True:
        taken = {language: column.take(rows) for language, column in columns.items()}
        rated = scores.take(rows) if scores else None
        found = [(columns[language].name, len(texts)) for language, (texts, _) in taken.items()]
        if scores and rated:
            found.append((scores.name, len(rated[0])))
        _check_equal(read, found)
        lines = found[0][1]
        if not lines:
            return
        bad: dict[int, Rejected] = {}
        gaps: list[tuple[int, RejectedText]] = []
        for language, (_, damaged) in taken.items():
            for place, damage in damaged.items():
                where = columns[language].place(read + place)
                if needs_every_language(columns):
                    bad.setdefault(place, Rejected(damage.reason, where, damage.excerpt))
                else:
                    gaps.append((place, RejectedText(language, damage.reason, where, damage.excerpt)))
        texts = {language: column for language, (column, _) in taken.items()}
        values = _scores(scores, rated[0], read, bad) if scores and rated else None
        if bad:
            keep = [place not in bad for place in range(lines)]
            texts = {language: list(compress(column, keep)) for language, column in texts.items()}
            values = values and list(compress(values, keep))
        rejected_texts = [text for place, text in gaps if place not in bad]
        yield Batch(kept, texts, [bad[place] for place in sorted(bad)], scores=values, rejected_texts=rejected_texts)
        read += lines
        kept += lines - len(bad)


def _scores(scores: Column, lines: Sequence[str], read: int, bad: dict[int, Rejected]) -> list[float]:
    """Return the score of each line; lines without one are entered in *bad*."""
    values = []
    for place, line in enumerate(lines):
        value = number(line)
        if value is None:
            bad.setdefault(place, Rejected(NO_SCORE, scores.place(read + place), excerpt(line)))
        values.append(value or 0.0)
    return values


def _check_equal(read: int, found: Sequence[tuple[str, int]]) -> None:
    """Raise UserError unless the files, each with its name and how many lines came, go on or end together."""
    (shortest, low), (longest, high) = min(found, key=itemgetter(1)), max(found, key=itemgetter(1))
    if not read and not high:
        raise EmptySource(shortest, _EMPTY)
    if not read and not low:
        raise UserError(f"{shortest}:1: {_EMPTY}")
    if low != high:
        raise UserError(
            f"{longest}:{read + low + 1}: no counterpart for this line, {shortest} has {read + low} lines; "
            "aligned files must have equal numbers of lines"
        )
