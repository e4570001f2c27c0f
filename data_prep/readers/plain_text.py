r"""Plain text, one sentence a line, in files that are aligned line by line; plain or compressed.

Two files are a pair, one is monolingual, more are n-way. `lines.py` says what a line is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from data_prep.batch import Batch
from data_prep.readers.aligned import Column, aligned_batches
from data_prep.readers.files import FileForEachLanguage
from data_prep.readers.lines import split_lines
from data_prep.readers.opening import read_blocks
from data_prep.readers.rows import LONGEST
from mtdeep.errors import UserError


@dataclass(frozen=True)
class PlainText(FileForEachLanguage):
    """Files with one sentence a line; line i of one is the translation of line i of the others.

    files: language -> path. An empty line is a gap, and a row in which every line is empty is a row of gaps.
    scores: a file with the score of each row, one number a line.
    longest: bytes of the longest line that is read.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    files: Mapping[str, Path]
    scores: Path | None = None
    longest: int = LONGEST

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the files, the scores last."""
        return (*super().inputs, *([self.scores] if self.scores else []))

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
            raise UserError(f"{path}:{number + place + 1}: {what}; convert the file to UTF-8, or remove the line")
        number += len(block.texts)
        yield from block.texts
