"""Some of the rows that repeat others, beside what they repeat, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, read_arrays
from data_prep.cleaning.record import Sample, order_of, shown
from data_prep.engine.task import Step, digest_of
from data_prep.stages import select
from data_prep.stages.clean import ROWS
from data_prep.stages.part import Part

SHOWN = 5
"""Repeats of a corpus that are shown, of as many of its parts."""
_LANGUAGES = 2  # of a row; all others are as much alike


def sample_repeats(
    folder: Path, parts: Sequence[Part], names: Sequence[str], repeated: Path, wanted: Mapping[str, Sequence[int]]
) -> dict[str, Any]:
    """Return samples of *wanted*: corpus -> numbers of its parts; they are corpus -> language -> samples.

    *names* are those of the parts' corpora, *repeated* is the folder of the repeats. Nothing is written into *folder*.
    A chunk is read again for each part that is wanted and for each row that is repeated.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for corpus, numbers in wanted.items():
        of_corpus = found.setdefault(corpus, {})
        of_parts = [_of_part(parts, names, repeated, number) for number in numbers[:SHOWN]]
        every = (one for one in chain.from_iterable(zip_longest(*of_parts)) if one)
        for samples, _ in zip(every, range(SHOWN), strict=False):
            for language, sample in samples.items():
                of_corpus.setdefault(language, []).append(sample.model_dump())
    return {"samples": found}


def sample_content(repeats_key: str, names: Sequence[str], wanted: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Return what decides the samples of repeats."""
    return {
        "repeats": repeats_key,
        "names": digest_of(list(names)),
        "wanted": {corpus: list(numbers[:SHOWN]) for corpus, numbers in wanted.items()},
    }


def _of_part(
    parts: Sequence[Part], names: Sequence[str], repeated: Path, number: int
) -> Iterator[dict[str, Sample]]:
    """Yield samples of the first repeats of a part, by language."""
    arrays = read_arrays(select.repeated_in(repeated, number))
    text, present = TextChunk.read(parts[number].chunk), _present(parts[number])
    columns = (arrays[name][:SHOWN].tolist() for name in (select.ROWS, select.BETTER_PARTS, select.BETTER_ROWS))
    for row, better_part, better_row in zip(*columns, strict=True):
        better, others = TextChunk.read(parts[better_part].chunk), _present(parts[better_part])
        place = f"{names[better_part]}, row {better.arrays[ROWS][better_row]:,}"
        both = [code for code in present if present[code][row] and code in others and others[code][better_row]]
        yield {
            code: Sample(
                order=order_of(text.columns[code][row]),
                row=int(text.arrays[ROWS][row]),
                text=shown(text.columns[code][row]),
                score=None,
                beside={place: shown(better.columns[code][better_row])},
            )
            for code in both[:_LANGUAGES]
        }


def _present(part: Part) -> dict[str, np.ndarray]:
    """Return which rows have a sentence that was compared, by language, (rows,) bool each."""
    return dict(zip(part.languages, (part.keys() > 0).T, strict=True))


REPEAT_SAMPLES_STEP = Step("repeat_samples", sample_repeats, revision=2)
