"""Which cells of the cleaned chunks go into the store: not what is scored, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import read_arrays, write_arrays
from data_prep.duplicates.repeats import Pair, Repeated, Repeats, pairs_of, units_of
from data_prep.engine.task import Step
from data_prep.stages.encode import KEPT
from data_prep.stages.part import Part

ROWS, BETTER_PARTS, BETTER_ROWS = "rows", "better parts", "better rows"
SCORED = "stands in a scored split"
LEFT_BY_LEAKS = "alone after what is scored has left"
REPEAT = "repeats another row"


def repeats(folder: Path, parts: Sequence[Part], memory: str) -> dict[str, Any]:
    """Write the repeats (`write_repeated`) of *parts*. At most about *memory* ("4GB") is used, and one chunk's keys.

    Returns how many rows each part loses.
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
        return {"rows": write_repeated(folder, starts, known.find())}


def write_repeated(folder: Path, starts: Sequence[int], found: Iterator[Repeated]) -> list[int]:
    """Write for each part, of which *starts* has the number of the first row, and the end, a file (`repeated_in`).

    ROWS are its rows that repeat others, (n,) int64, ascending; BETTER_PARTS and BETTER_ROWS say which those are.
    Returns how many rows each part has.
    """
    numbers = []
    left = Repeated(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    for number, (start, end) in enumerate(pairwise(starts)):
        while (not len(left.rows) or left.rows[-1] < end) and (more := next(found, None)):
            left = Repeated(*map(np.concatenate, zip(left, more, strict=True)))
        size = int(np.searchsorted(left.rows, end))
        parts = np.searchsorted(starts, left.better[:size], side="right") - 1
        rows = left.better[:size] - np.array(starts, dtype=np.int64)[parts]
        arrays = {ROWS: left.rows[:size] - start, BETTER_PARTS: parts, BETTER_ROWS: rows}
        write_arrays(repeated_in(folder, number), arrays)
        left = Repeated(left.rows[size:], left.better[size:])
        numbers.append(size)
    return numbers


def repeated_in(folder: Path, number: int) -> Path:
    """Return the file with the repeated rows of a part: one each, since every part reads its own alone."""
    return folder / f"{number:06d}.repeated"


def select(folder: Path, part: Part, least: int, repeated: tuple[Path, int] | None = None) -> dict[str, Any]:
    """Write KEPT, (rows, languages) bool, for one part.

    A row needs *least* sentences, two where text is aligned; *repeated* is the folder of the repeats and the part's
    number there. Returns rows and, by language, sentences: what is kept, and what was lost and why.
    """
    present = part.present() > 0
    ours = present.any(axis=1)
    leaked = part.leaked()
    leaked = np.zeros_like(present) if leaked is None else leaked & present
    twice = np.zeros(len(present), dtype=bool)
    if repeated is not None:
        twice[read_arrays(repeated_in(*repeated))[ROWS]] = True
    left = present & ~leaked
    alone = ours & ~twice & (left.sum(axis=1) < least)
    kept = left & ~(twice | alone)[:, None]
    write_arrays(folder / KEPT, {KEPT: kept})
    rows = {KEPT: kept.any(axis=1), REPEAT: twice, LEFT_BY_LEAKS: alone}
    cells = {
        KEPT: kept,
        SCORED: leaked,
        REPEAT: left & twice[:, None],
        LEFT_BY_LEAKS: left & alone[:, None],
    }
    return {
        "rows": {name: int(mask.sum()) for name, mask in rows.items()},
        "languages": {
            language: {name: int(mask[:, i].sum()) for name, mask in cells.items()}
            for i, language in enumerate(part.languages)
        },
    }


def repeats_content(keys: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Return what decides the repeats: of each part, in order, what it is made from and its rank."""
    return {"parts": [list(part) for part in keys]}


def select_content(part: Sequence[Any], least: int, repeated: tuple[str, int] | None) -> dict[str, Any]:
    """Return what decides a selection: what the part is made from, the key of the repeats and its number there."""
    return {"part": list(part), "least": least, "repeated": repeated}


REPEATS_STEP = Step("repeats", repeats, revision=2)
SELECT_STEP = Step("select", select, revision=2)
