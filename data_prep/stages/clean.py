"""Chunks of text to chunks of what the rules keep of them, with what later steps compare: keys of the sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.batch import Batch
from data_prep.chunk import TextChunk
from data_prep.cleaning.cleaner import Cleaner, uncleaned
from data_prep.duplicates.key import sentence_keys
from data_prep.engine.libraries import UNICODE
from data_prep.engine.task import Step
from data_prep.normalisation import survival
from data_prep.stages.read import IDS, SCORES

CLEAN = "clean"
ROWS, KEYS = "rows", "keys"
NOTHING_LEFT = "nothing left after normalisation"
EMPTY, ONE, CLEANED = "empty in every language", "in one language only", "left with too little by the rules"


def clean(
    folder: Path,
    chunk: Path,
    first: int,
    languages: Sequence[str],
    cleaner: Cleaner | None,
    normalization: str | Path,
) -> dict[str, Any]:
    """Write what is kept of a chunk as CLEAN, with arrays beside the text.

    ROWS: the rows' numbers in their source, of which *first* is the chunk's first, (rows,) int64. KEYS: of the cells,
    (rows, languages) uint64, 0 for gaps. IDS and SCORES, where the source has them. No *cleaner* leaves text as it was
    written; *normalization* is the vocabulary's, as `survival` takes it, and a sentence that it leaves nothing of is no
    sentence.

    Returns the rows that are kept, and why others are not; by language how many sentences vanished, of which the
    normalisation leaves nothing; and the Cleaner's record of those that did not.
    """
    text = TextChunk.read(chunk)
    survives = survival(normalization)
    given = {language: [line if line.strip() else "" for line in text.columns[language]] for language in languages}
    columns = {language: [line if survives(line) else "" for line in lines] for language, lines in given.items()}
    vanished = {language: _sentences(given[language]) - _sentences(columns[language]) for language in languages}
    batch = Batch(first, columns)
    cleaned = uncleaned(batch) if cleaner is None else cleaner(batch)
    rows, left = cleaned.rows, cleaned.batch.columns
    keys = np.stack([sentence_keys(left[language]) for language in languages], axis=1)
    beside = {name: text.arrays[name][rows] for name in (IDS, SCORES) if name in text.arrays}
    TextChunk(left, {ROWS: first + rows, KEYS: keys, **beside}).write(folder / CLEAN)
    return {
        "rows": len(rows),
        "rejected": _rejected(given, columns, rows),
        "vanished": vanished,
        "record": cleaned.record.model_dump(),
    }


def _sentences(column: Sequence[str]) -> int:
    return sum(map(bool, column))


def _rejected(
    given: Mapping[str, Sequence[str]], survived: Mapping[str, Sequence[str]], kept: np.ndarray
) -> dict[str, int]:
    """Return why rows are lost: by how many sentences they had, in the file and after the normalisation."""
    before, after = (np.sum([np.fromiter(map(bool, column), bool) for column in columns.values()], axis=0)
                     for columns in (given, survived))  # fmt: skip
    lost = np.ones(len(before), dtype=bool)
    lost[kept] = False
    least = min(2, len(given))
    masks = {EMPTY: before == 0, ONE: before == 1, NOTHING_LEFT: (before >= least) & (after < least)}
    if least == 1:
        del masks[ONE]
    counts = {reason: int((lost & mask).sum()) for reason, mask in masks.items()}
    return {**counts, CLEANED: int(lost.sum()) - sum(counts.values())}


def cleaning_content(chunk_key: str, number: int, rules: str | None, normalization: str) -> dict[str, Any]:
    """Return what decides a cleaned chunk.

    *rules*: the digest of those that hold, with every default, None for text that is left as it is; *normalization*:
    the rule's name, or the digest of the model that has its own.
    """
    return {"text": chunk_key, "chunk": number, "rules": rules, "normalization": normalization}


CLEAN_STEP = Step("clean", clean, revision=4, libraries=("sentencepiece", UNICODE))
