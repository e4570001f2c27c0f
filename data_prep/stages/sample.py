"""What the vocabulary is learned from: every sentence of a language equally often, or once more for some."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.engine.task import Step
from data_prep.stages.encode import KEPT
from mtdeep.corpus.permutation import key, permute

SAMPLE = "sample"
_ONCE_MORE = 4  # keeps the draws of a seed apart from its other numbers


def quotas(sentences: Mapping[str, int], temperature: float, total: int) -> dict[str, int]:
    """Return how many lines of each language to draw: in proportion to n^(1/T) (Arivazhagan et al. 2019, eq. 1).

    A language may get more lines than it has: small ones are truly up-sampled. One that has lines gets one at least.
    """
    weights = {language: n ** (1 / temperature) for language, n in sentences.items() if n}
    scale = total / sum(weights.values())
    return {language: max(1, round(weight * scale)) for language, weight in weights.items()}


def times(first: int, count: int, sentences: int, quota: int, seed: int, place: int) -> np.ndarray:
    """Return how often each of *count* sentences is drawn, (count,) int64.

    They are numbers *first* and on of a language's *sentences*, of which *quota* are drawn in all; *place* is the
    language's among all.
    """
    every, rest = divmod(quota, sentences)
    shuffled = permute(np.arange(first, first + count), sentences, key(seed, _ONCE_MORE, place))
    return every + (shuffled < rest).astype(np.int64)


def sample(
    folder: Path, chunk: Path, kept: Path, draws: Mapping[str, tuple[int, int, int, int]], columns: Mapping[str, int],
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Write SAMPLE, lines of one chunk; *draws*: language -> (first, sentences, quota, place) as `times` has them.

    *columns* say in which column of KEPT a language is. Returns the number of lines.
    """
    mask = read_arrays(kept)[KEPT]
    text = TextChunk.read(chunk, list(draws))
    lines = 0
    arrays: dict[str, np.ndarray] = {}
    for language, (first, sentences, quota, place) in draws.items():
        rows = np.flatnonzero(mask[:, columns[language]])
        often = times(first, len(rows), sentences, quota, seed, place)
        drawn = np.repeat(rows, often).tolist()
        own = text.columns[language]
        arrays[language] = np.frombuffer("".join(own[row] + "\n" for row in drawn).encode("utf-8"), dtype=np.uint8)
        lines += len(drawn)
    write_arrays(folder / SAMPLE, arrays)
    return {"lines": lines}


def sample_content(
    chunk_key: str, kept_key: str, draws: Mapping[str, tuple[int, int, int, int]], seed: int
) -> dict[str, Any]:
    """Return what decides a chunk's sample."""
    drawn = {language: list(numbers) for language, numbers in draws.items()}
    return {"text": chunk_key, "kept": kept_key, "draws": drawn, "seed": seed}


SAMPLE_STEP = Step("sample", sample, revision=1)
