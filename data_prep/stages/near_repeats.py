"""Rows that nearly repeat others: signatures chunk by chunk, on all cores, then one search over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.duplicates.near import SIMILAR, Signatures
from data_prep.duplicates.near_repeats import NearRepeats, Rows
from data_prep.duplicates.repeats import Pair, Repeated, pairs_of
from data_prep.engine.task import Step
from data_prep.stages.leaks import SIGNING, signatures
from data_prep.stages.part import Part
from data_prep.stages.select import BETTER_PARTS, BETTER_ROWS, ROWS, repeated_in, write_repeated

SIGNED = "signed"
_ROWS, _VALUES = "rows/", "values/"


def sign(folder: Path, chunk: Path, languages: Sequence[str]) -> dict[str, Any]:
    """Write SIGNED: for each language of a cleaned chunk the signatures of the sentences that are long enough.

    Returns by language how many there are; each takes 520 bytes.
    """
    arrays: dict[str, np.ndarray] = {}
    for language in languages:
        found = signatures(language, TextChunk.read(chunk, [language]).columns[language])
        arrays |= {_ROWS + language: found.rows, _VALUES + language: found.values}
    write_arrays(folder / SIGNED, arrays)
    return {"signed": {language: len(arrays[_ROWS + language]) for language in languages}}


def near_repeats(
    folder: Path,
    parts: Sequence[Part],
    signed: Sequence[Path | None],
    memory: str,
    repeated: Path | None = None,
    similar: float = SIMILAR,
) -> dict[str, Any]:
    """Write `repeated_in`: for each of *parts*, the rows that repeat or nearly repeat another one which stays.

    *signed* are the folders of the parts' signatures, None for those that take no part: they neither lose rows nor
    cause others to. *repeated* is the folder of the exact repeats, whose rows are in this one too: it replaces that
    one. Memory as `NearRepeats` has it. Returns how many rows each part loses beside the exact repeats.
    """
    exact = [_exact(repeated, number) for number in range(len(parts))]
    bilingual: set[Pair] = set()
    for number, part in enumerate(parts):
        if signed[number] is not None:
            bilingual |= pairs_of(part.languages, _left(part, exact[number][ROWS]))
    starts = [0]
    with NearRepeats(folder, memory, similar) as known:
        for number, part in enumerate(parts):
            keys, where = _left(part, exact[number][ROWS]), signed[number]
            if where is not None:
                rows = Rows(part.languages, keys, _reader(where), starts[-1], part.rank, part.scores())
                known.add(rows, bilingual)
            starts.append(starts[-1] + len(keys))
        near = known.find()
    better = [np.array(starts)[arrays[BETTER_PARTS]] + arrays[BETTER_ROWS] for arrays in exact]
    left_out = np.concatenate([near.rows, *(starts[n] + arrays[ROWS] for n, arrays in enumerate(exact))])
    order = np.argsort(left_out)
    both = Repeated(left_out[order], np.concatenate([near.better, *better])[order])
    write_repeated(folder, starts, iter([both]))
    return {"rows": np.diff(np.searchsorted(near.rows, starts)).tolist()}


def sign_content(chunk_key: str) -> dict[str, Any]:
    """Return what decides the signatures of a chunk."""
    return {"text": chunk_key}


def near_repeats_content(
    parts: Sequence[tuple[Any, ...]], signed_keys: Sequence[str | None], repeated_key: str | None, similar: float
) -> dict[str, Any]:
    """Return what decides the near repeats: *parts* as for exact ones, the keys of what else is read, the bound."""
    return {
        "parts": [list(part) for part in parts],
        "signed": list(signed_keys),
        "repeated": repeated_key,
        "similar": similar,
    }


def _exact(repeated: Path | None, number: int) -> dict[str, np.ndarray]:
    if repeated is None:
        return dict.fromkeys((ROWS, BETTER_PARTS, BETTER_ROWS), np.zeros(0, np.int64))
    return read_arrays(repeated_in(repeated, number))


def _left(part: Part, exact: np.ndarray) -> np.ndarray:
    """Return a part's keys, 0 in the rows of its exact repeats."""
    keys = part.keys().copy()
    keys[exact] = 0
    return keys


def _reader(folder: Path) -> Callable[[str], Signatures]:
    def of_language(language: str) -> Signatures:
        names = (_ROWS + language, _VALUES + language)
        arrays = read_arrays(folder / SIGNED, lambda name: name in names)
        return Signatures(arrays[names[0]], arrays[names[1]])

    return of_language


SIGN_STEP = Step("sign", sign, revision=3, libraries=SIGNING)
NEAR_REPEATS_STEP = Step("near_repeats", near_repeats, revision=3)
