"""Some thousand sentences in two arrays: how columns travel from an encoder to the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

_ROWS = 1 << 14


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a column.

    units: the tokens (or UTF-8 bytes) of all sentences, one after the other, (sum of lengths,).
    lengths: units of each row, (rows,) int64; a gap has 0.
    """

    units: np.ndarray
    lengths: np.ndarray

    def __post_init__(self) -> None:
        """Raise ValueError when the lengths do not add up to the units."""
        if self.lengths.sum() != len(self.units):
            raise ValueError(f"{len(self.units)} units for lengths that sum to {self.lengths.sum()}")

    def sentences(self) -> list[np.ndarray]:
        """Return a view of each row's units, (length,)."""
        ends = [0, *np.cumsum(self.lengths).tolist()]
        return [self.units[start:end] for start, end in pairwise(ends)]


def blocks_of(sentences: Iterable[np.ndarray]) -> Iterator[Block]:
    """Yield blocks of sentences that come one by one, (length,) each."""
    stream = iter(sentences)
    while rows := list(islice(stream, _ROWS)):
        yield Block(np.concatenate(rows), np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)))


def text_blocks(lines: Iterable[str]) -> Iterator[Block]:
    """Yield blocks of the UTF-8 bytes of lines."""
    stream = (line.encode("utf-8") for line in lines)
    while rows := list(islice(stream, _ROWS)):
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        yield Block(np.frombuffer(b"".join(rows), dtype=np.uint8), lengths)
