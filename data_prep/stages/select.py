"""Which cells of the cleaned chunks go into the store: not what is scored, and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import read_arrays, write_arrays
from data_prep.duplicates.repeats import Pair, Repeats, pairs_of, units_of
from data_prep.stages.clean import KEYS
from data_prep.stages.encode import KEPT
from data_prep.stages.leaks import LEAKED
from data_prep.stages.read import SCORES

REPEATED = "repeated"
_REVISION = 1  # raise it when equal chunks begin to give other repeats


@dataclass(frozen=True)
class Part:
    """A cleaned chunk, its languages, and the folder of its leaks if it was searched for any.

    rank: which part keeps a row that others repeat, the lowest; of equal ranks the row with the best score does, whose
    scores must mean the same then.
    """

    chunk: Path
    languages: tuple[str, ...]
    leaks: Path | None = None
    rank: int = 0

    def keys(self) -> np.ndarray:
        """Return the keys of the cells that are not leaked, (rows, languages) uint64; 0 for the others and gaps."""
        keys = read_arrays(self.chunk, lambda name: name == KEYS)[KEYS]
        if self.leaks is None:
            return keys
        leaked: np.ndarray = np.where(read_arrays(self.leaks / LEAKED)[LEAKED], np.uint64(0), keys)
        return leaked

    def scores(self) -> np.ndarray | None:
        """Return the rows' own scores, (rows,), where they have some."""
        return read_arrays(self.chunk, lambda name: name == SCORES).get(SCORES)


def repeats(folder: Path, parts: Sequence[Part], memory: str) -> dict[str, Any]:
    """Write REPEATED: for each of *parts*, the rows that repeat another one which stays.

    Its arrays are named by the parts' numbers and hold rows of the chunk, (n,) int64. At most about *memory* ("4GB") is
    used, and the keys of one chunk. Returns how many rows each part loses.
    """
    bilingual: set[Pair] = set()
    for part in parts:
        bilingual |= pairs_of(part.languages, part.keys())
    starts = [0]
    with Repeats(folder, memory) as known:
        for part in parts:
            keys, scores = part.keys(), part.scores()
            units = units_of(part.languages, keys, starts[-1], bilingual)
            known.add(units, part.rank, None if scores is None else scores[units.position - starts[-1]])
            starts.append(starts[-1] + len(keys))
        rows: list[list[np.ndarray]] = [[] for _ in parts]
        for positions in known.find():
            place = np.searchsorted(starts, positions, side="right") - 1
            for number in np.unique(place).tolist():
                rows[number].append(positions[place == number] - starts[number])
    found = {str(n): np.concatenate([np.zeros(0, dtype=np.int64), *of_part]) for n, of_part in enumerate(rows)}
    write_arrays(folder / REPEATED, found)
    return {"rows": [len(of_part) for of_part in found.values()]}


def select(folder: Path, part: Part, least: int, repeated: tuple[Path, int] | None = None) -> dict[str, Any]:
    """Write KEPT, (rows, languages) bool, for one part.

    A row needs *least* sentences, two where text is aligned; *repeated* is the file of the repeats and the part's
    number there. Returns how many rows were lost to repeats, and how many were left with too few sentences.
    """
    present = part.keys() > 0
    lost = np.zeros(len(present), dtype=bool)
    if repeated is not None:
        file, number = repeated
        lost[read_arrays(file, lambda name: name == str(number))[str(number)]] = True
    alone = ~lost & (present.sum(axis=1) < least)
    write_arrays(folder / KEPT, {KEPT: present & ~(lost | alone)[:, None]})
    return {"repeated": int(lost.sum()), "alone": int(alone.sum()), "kept": int((~(lost | alone)).sum())}


def repeats_content(keys: Sequence[tuple[str, str | None, int]]) -> dict[str, Any]:
    """Return what decides the repeats: the keys of the chunks and of their leaks, and the ranks, in order."""
    return {"revision": _REVISION, "parts": [list(part) for part in keys]}
