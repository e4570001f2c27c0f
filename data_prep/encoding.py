"""Text to ids: one pass over every column, in chunks that SentencePiece spreads over its own threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from data_prep.table import AlignedText
from mtdeep.corpus.blocks import Block
from mtdeep.corpus.subwords import Subwords

_CHUNK = 1 << 15  # lines in one native call


class ColumnEncoder:
    """Encodes the columns of one table and counts unknown tokens."""

    def __init__(self, subwords: Subwords, table: AlignedText, progress: Callable[[int], None]) -> None:
        """Prepare to encode *table*; *progress* is told how many more lines are done."""
        self._subwords, self._table, self._progress = subwords, table, progress
        self.unknown: dict[str, int] = {}

    def column(self, language: str) -> Iterator[Block]:
        """Yield the piece ids of the rows in blocks; a gap has length 0.

        Raises AssertionError when a sentence becomes a gap: readers leave out what normalisation leaves nothing of, so
        the account of the table would be wrong.
        """
        unknown = 0
        lines = self._table.column(language)
        while chunk := list(islice(lines, _CHUNK)):
            block = self._subwords.encode_block(chunk)
            for row in np.flatnonzero(block.lengths == 0):
                if chunk[row]:
                    raise AssertionError(f"{self._table.name}, {language}: {chunk[row]!r} has no pieces, but is no gap")
            unknown += int((block.units == self._subwords.vocabulary.unk).sum())
            yield block
            self._progress(len(chunk))
        if unknown:
            self.unknown[language] = unknown
