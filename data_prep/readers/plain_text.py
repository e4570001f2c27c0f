r"""Plain text, one sentence a line, in files that are aligned line by line; plain, gzip, xz or zstd.

Two files are a pair, one is monolingual, more are n-way. `lines.py` says what a line is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np

from data_prep.batch import Batch
from data_prep.readers.aligned import Column, aligned_batches
from data_prep.readers.lines import split_lines
from data_prep.readers.opening import read_blocks
from data_prep.readers.rows import LONGEST
from data_prep.table import NOTHING_LEFT, Account, AlignedText, count_gaps
from mtdeep.errors import UserError

_STEP = 1 << 16  # lines between two reports of progress

Progress = Callable[[str, int], None]  # file, lines read
_BLANK, _TEXT, _VANISHES = range(3)  # what a line is


@dataclass(frozen=True)
class PlainText:
    """Files with one sentence a line; line i of one is the translation of line i of the others.

    files: language -> path. An empty line is a gap, and a row in which every line is empty is a row of gaps.
    scores: a file with the score of each row, one number a line.
    longest: bytes of the longest line that is read.
    """

    files: Mapping[str, Path]
    scores: Path | None = None
    longest: int = LONGEST

    @property
    def languages(self) -> Sequence[str]:
        """Return the languages of the files."""
        return tuple(self.files)

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the files, the scores last."""
        return (*self.files.values(), *([self.scores] if self.scores else []))

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError as `read_blocks`, `split_lines` and `aligned_batches` do."""
        columns = {language: self._column(path) for language, path in self.files.items()}
        yield from aligned_batches(columns, rows, self._column(self.scores) if self.scores else None)

    def _column(self, path: Path) -> Column:
        return Column(str(path), split_lines(read_blocks(path), path, self.longest))


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of *path* without their ends.

    Raises UserError, with the line, for a damaged line and for a compressed file that is not whole.
    """
    number = 0
    for block in split_lines(read_blocks(path), path):
        for place, damage in block.damage.items():
            what = f"{damage.reason} {damage.detail}".rstrip()
            raise UserError(
                f"{path}:{number + place + 1}: {what}; "
                "convert the file to UTF-8, or remove the line from every language"
            )
        number += len(block.texts)
        yield from block.texts


def read_aligned(
    name: str,
    split: str,
    files: Mapping[str, Path],
    progress: Progress = lambda what, lines: None,
    survives: Callable[[str], bool] = lambda line: True,
) -> AlignedText:
    """Return the table of the aligned *files* (language -> path); every line of every file is checked now.

    A line that does not pass *survives* (`normalisation.survival`) has no text, and a row with text in fewer than two
    languages is rejected. Raises UserError for an empty file, unequal numbers of lines, what `read_lines` refuses, and
    when no row is left.
    """
    columns = {language: _kinds(path, survives, progress) for language, path in files.items()}
    _check_equal_lengths(files, columns)
    kinds = np.stack([*columns.values()], axis=1)
    present = kinds == _TEXT
    kept = present.sum(axis=1) >= 2
    if not kept.any():
        first = next(iter(files.values()))
        raise UserError(f"{first}:1: no line from here on has text in two languages; check the files of {split!r}")
    place = np.cumsum(kept) - 1  # line -> row
    lost = {language: place[kept & (kinds[:, i] == _VANISHES)] for i, language in enumerate(files)}
    vanished = {language: rows for language, rows in lost.items() if len(rows)}
    account = Account(
        read=len(kept),
        kept=int(kept.sum()),
        rejected=_rejected(kinds[~kept]),
        gaps=count_gaps(tuple(files), present[kept], vanished),
    )

    def column(language: str) -> Iterator[str]:
        mine = present[:, list(files).index(language)]
        lines = compress(zip(read_lines(files[language]), mine, strict=True), kept)
        return (line if has_text else "" for line, has_text in lines)

    return AlignedText(name, split, tuple(files), present[kept], column, account, {"reader": "plain_text"}, vanished)


def _rejected(kinds: np.ndarray) -> dict[str, int]:
    """Return reason -> rows, for the kinds, (rows, languages), of rows without text in two languages."""
    given = (kinds != _BLANK).sum(axis=1)
    left = (kinds == _TEXT).sum(axis=1)
    rejected = {
        "empty in every language": int((given == 0).sum()),
        "in one language only": int(((given == 1) & (left == 1)).sum()),
        NOTHING_LEFT: int((given > left).sum()),
    }
    return {reason: n for reason, n in rejected.items() if n}


def _kinds(path: Path, survives: Callable[[str], bool], progress: Progress) -> np.ndarray:
    """Return what each line of *path* is, (lines,) uint8. Raises UserError for an empty file."""
    kinds = bytearray()
    for line in read_lines(path):
        kinds.append(_BLANK if not line.strip() else _TEXT if survives(line) else _VANISHES)
        if len(kinds) % _STEP == 0:
            progress(path.name, len(kinds))
    if not kinds:
        raise UserError(f"{path}:1: the file is empty; give a file with one sentence a line, or leave the language out")
    return np.frombuffer(bytes(kinds), dtype=np.uint8)


def _check_equal_lengths(files: Mapping[str, Path], columns: Mapping[str, np.ndarray]) -> None:
    shortest = min(columns, key=lambda language: len(columns[language]))
    longest = max(columns, key=lambda language: len(columns[language]))
    low, high = len(columns[shortest]), len(columns[longest])
    if low != high:
        raise UserError(
            f"{files[longest]}:{low + 1}: no counterpart for this line, {files[longest]} has {high} lines but "
            f"{files[shortest]} has {low}; aligned files must have equal numbers of lines"
        )
