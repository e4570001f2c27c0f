"""What of a cleaned chunk belongs to one split of its corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.chunk import read_arrays
from data_prep.stages.clean import KEYS
from data_prep.stages.encode import KEPT
from data_prep.stages.read import SCORES

LEAKED = "leaked"


@dataclass(frozen=True)
class Rows:
    """The rows of a chunk that a split has: those where array *name* of *file*, (rows,), is *value*."""

    file: Path
    name: str
    value: int

    def mask(self) -> np.ndarray:
        """Return (rows,) bool."""
        mask: np.ndarray = read_arrays(self.file, lambda name: name == self.name)[self.name] == self.value
        return mask


@dataclass(frozen=True)
class Part:
    """A cleaned chunk, its languages, the rows that are meant (None: all), and the folder of its leaks, if any.

    cells: the file of an array KEPT, (rows, languages) bool, of the cells that are meant (None: all of the rows).
    rank: which part keeps a row that others repeat, the lowest; of equal ranks the row with the best score does, whose
    scores must mean the same then.
    """

    chunk: Path
    languages: tuple[str, ...]
    rows: Rows | None = None
    leaks: Path | None = None
    cells: Path | None = None
    rank: int = 0

    def present(self) -> np.ndarray:
        """Return the keys of the cells that are meant, (rows, languages) uint64; 0 for gaps and all others."""
        keys = read_arrays(self.chunk, lambda name: name == KEYS)[KEYS]
        if self.rows is not None:
            keys = np.where(self.rows.mask()[:, None], keys, np.uint64(0))
        if self.cells is not None:
            keys = np.where(read_arrays(self.cells)[KEPT], keys, np.uint64(0))
        return keys

    def leaked(self) -> np.ndarray | None:
        """Return which cells are known from what is scored, (rows, languages) bool; None where nobody looked."""
        return None if self.leaks is None else read_arrays(self.leaks / LEAKED)[LEAKED]

    def keys(self) -> np.ndarray:
        """Return `present` without the leaked cells."""
        keys, leaked = self.present(), self.leaked()
        return keys if leaked is None else np.where(leaked, np.uint64(0), keys)

    def scores(self) -> np.ndarray | None:
        """Return the rows' own scores, (rows,), where they have some."""
        return read_arrays(self.chunk, lambda name: name == SCORES).get(SCORES)
