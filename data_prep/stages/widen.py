"""Rows that stand in a store, with sentences of further languages: the rows stay as they are, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.duplicates.key import sentence_keys
from data_prep.engine.libraries import UNICODE
from data_prep.engine.task import Step
from data_prep.stages.clean import CLEAN, KEYS, ROWS
from data_prep.stages.encode import KEPT
from data_prep.stages.read import chunk_name
from mtdeep.errors import UserError

NEW = "new"
_REMEDY = "give these as a corpus of their own, or give --overwrite"


def same_rows(
    folder: Path, before: Path, after: Path, rows: tuple[Sequence[int], Sequence[int]], languages: Sequence[str]
) -> dict[str, Any]:
    """Compare what was read of a source *before* with what is read of it with further languages, chunk by chunk.

    *before* and *after* are the folders of `stages.read`, *rows* how many each chunk of them has. Raises UserError when
    a row or a sentence of *languages* differs: a further language changed which rows there are.
    """
    first = 0
    for number, counts in enumerate(zip(*rows, strict=False)):
        one, other = (TextChunk.read(path / chunk_name(number), languages).columns for path in (before, after))
        for language in languages:
            pairs = zip(one[language], other[language], strict=False)
            if (row := next((i for i, (old, new) in enumerate(pairs) if old != new), None)) is not None:
                raise UserError(
                    f"row {first + row} has another sentence in {language!r} when more languages are read; {_REMEDY}"
                )
        if counts[0] != counts[1]:
            break
        first += counts[0]
    if list(rows[0]) != list(rows[1]):
        raise UserError(f"{sum(rows[0])} rows are {sum(rows[1])} when more languages are read; {_REMEDY}")
    return {}


def widen(
    folder: Path, chunk: Path, kept: Path, languages: Sequence[str], wide: Path, added: Sequence[str]
) -> dict[str, Any]:
    """Write the rows of a cleaned *chunk* that are *kept*, with their sentences in *added* languages from *wide*.

    *kept* is the chunk's array KEPT, columns as in *languages*; *wide* is what cleaning leaves of the same rows when
    they are read with all languages, found by the rows' numbers. CLEAN is a chunk of the kept cells and of the new
    ones, columns *languages*, then *added*; NEW is an array KEPT of the new cells, (rows, languages) bool.

    Returns how many rows there are and, by language, new sentences.
    """
    old, new = TextChunk.read(chunk, languages), TextChunk.read(wide, added)
    mask = read_arrays(kept)[KEPT]
    rows = np.flatnonzero(mask.any(axis=1))
    numbers = old.arrays[ROWS][rows]
    known = new.arrays[ROWS]
    place = np.searchsorted(known, numbers)
    there = place < len(known)
    there[there] = known[place[there]] == numbers[there]
    columns = {language: _cells(old.columns[language], rows, mask[rows, i]) for i, language in enumerate(languages)}
    columns |= {language: _cells(new.columns[language], place, there) for language in added}
    keys = np.stack([sentence_keys(column) for column in columns.values()], axis=1)
    TextChunk(columns, {ROWS: numbers, KEYS: keys}).write(folder / CLEAN)
    cells = keys > 0
    cells[:, : len(languages)] = False
    write_arrays(folder / NEW, {KEPT: cells})
    return {"rows": len(rows), "languages": {language: sum(map(bool, columns[language])) for language in added}}


def _cells(column: Sequence[str], rows: np.ndarray, there: np.ndarray) -> list[str]:
    """Return a column's sentences of *rows*, "" where there is none."""
    return [column[row] if here else "" for row, here in zip(rows.tolist(), there.tolist(), strict=True)]


def same_rows_content(before_key: str, after_key: str) -> dict[str, Any]:
    """Return what decides whether the rows are the same: the keys of the two readings."""
    return {"before": before_key, "after": after_key}


def widen_content(identity: Sequence[Any], kept_key: str, wide: Sequence[Any], added: Sequence[str]) -> dict[str, Any]:
    """Return what decides wider rows: what the old and the new chunk are made from, what is kept, the languages."""
    return {"rows": list(identity), "kept": kept_key, "wide": list(wide), "added": list(added)}


SAME_ROWS_STEP = Step("same_rows", same_rows, revision=1)
WIDEN_STEP = Step("widen", widen, revision=1, libraries=(UNICODE,))
