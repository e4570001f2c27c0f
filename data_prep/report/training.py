"""The training text of a store as plain data: sentence pairs, lengths and tokens by language, shares of directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from data_prep.corpus_settings import TRAIN
from data_prep.pipeline.encoded import Sizes
from data_prep.stages.encode import LENGTHS
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.sampling import direction_probabilities

TEMPERATURES = (1, 2, 5)
_LINES = 50
"""Directions that have a line of their own: all, or else the largest and the smallest."""


def pair_matrix(records: Sequence[CorpusRecord], languages: Sequence[str]) -> np.ndarray:
    """Return how many training rows each two languages share, over all corpora, (languages, languages) int64.

    It is symmetric, with zeros on the diagonal.
    """
    place = {language: i for i, language in enumerate(languages)}
    matrix = np.zeros((len(languages), len(languages)), dtype=np.int64)
    for record in records:
        if record.split != TRAIN:
            continue
        columns = [place[column.language] for column in record.columns if column.kind == "tokens"]
        for (i, j), count in zip(combinations(columns, 2), record.pairs, strict=True):
            matrix[i, j] += count
            matrix[j, i] += count
    return matrix


def training_sizes(sections: Sequence[Mapping[str, Any]], languages: Sequence[str]) -> dict[str, Sizes]:
    """Return the sizes of each language over all training text, from the sections of its splits."""
    sizes = dict.fromkeys(languages, Sizes())
    for section in sections:
        if section["trained"]:
            for language, said in section["languages"].items():
                counts = {name: said[name] for name in ("characters", "tokens", "unknown")}
                normalised = said.get("normalised", {}).get("sentences", 0)  # which earlier reports did not count
                lengths = tuple(said["lengths"])
                sizes[language] += Sizes(said["kept"], lengths=lengths, normalised=normalised, **counts)
    return sizes


def length_section(sizes: Mapping[str, Sizes]) -> dict[str, Any]:
    """Return the histograms of tokens a sentence: bin i holds edges[i - 1] <= tokens < edges[i]."""
    return {"edges": list(LENGTHS), "languages": {code: list(of_one.lengths) for code, of_one in sizes.items()}}


def token_section(sizes: Mapping[str, Sizes]) -> dict[str, Any]:
    """Return by language what the vocabulary makes of it; ratios are None where there is nothing to divide by."""
    return {
        language: {
            "sentences": of_one.sentences,
            "characters": of_one.characters,
            "tokens": of_one.tokens,
            "unknown": of_one.unknown,
            "tokens_per_sentence": _ratio(of_one.tokens, of_one.sentences),
            "characters_per_token": _ratio(of_one.characters, of_one.tokens),
            "unknown_per_1000": _ratio(1000 * of_one.unknown, of_one.tokens),
            "normalised": of_one.normalised,
        }
        for language, of_one in sizes.items()
    }


def sampling_section(matrix: np.ndarray, languages: Sequence[str]) -> dict[str, Any]:
    """Return the shares that directions have at each of TEMPERATURES when all are trained on, the largest first.

    By language the sums over the directions out of it and into it. *matrix* is that of `pair_matrix`.
    """
    source, target = np.nonzero(matrix)
    counts = matrix[source, target]
    found: dict[str, Any] = {"temperatures": list(TEMPERATURES), "languages": {}, "directions": []}
    if not len(counts):
        return found
    shares = np.stack([direction_probabilities(counts, temperature) for temperature in TEMPERATURES], axis=1)
    sums = [np.zeros((len(languages), len(TEMPERATURES))) for _ in range(2)]
    for of_side, side in zip(sums, (source, target), strict=True):
        np.add.at(of_side, side, shares)
    pairs = matrix.sum(axis=1)
    for i in np.argsort(-pairs, kind="stable").tolist():
        as_source, as_target = (of_side[i].tolist() for of_side in sums)
        found["languages"][languages[i]] = {"pairs": int(pairs[i]), "as_source": as_source, "as_target": as_target}
    order = np.argsort(-counts, kind="stable")
    shown = order if len(order) <= _LINES else np.concatenate([order[: _LINES // 2], order[-_LINES // 2 :]])
    found["directions"] = [
        {
            "source": languages[source[i]],
            "target": languages[target[i]],
            "pairs": int(counts[i]),
            "shares": shares[i].tolist(),
        }
        for i in shown.tolist()
    ]
    return found


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
