"""Rule: text that was left untranslated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np

from data_prep.cleaning.ngrams import N, ngrams
from data_prep.cleaning.related import family
from data_prep.cleaning.rule import RowRule, share
from data_prep.cleaning.texts import Texts

_AT_ONCE = 1 << 22
"""N-grams that are sorted together: bounds the memory, about 100 bytes each, for rows of many languages."""


class Copies(RowRule):
    """Score: the share of a sentence's character n-grams (`ngrams.N`) that the row has in another language too.

    Every sentence of a row that is a copy of another is at fault: which of them is the original nobody can tell here
    (language identification, which comes before, rejects those that it knows). Languages of one `related.family` are
    not compared. Nothing to say of short texts: names, titles and `OK` are the same in many languages.
    """

    name: ClassVar[str] = "copies"
    above: ClassVar[str] = "copied"

    max: float | None = 0.8

    @classmethod
    def row_scores(cls, rules: Mapping[str, Self], columns: Mapping[str, Texts]) -> Mapping[str, np.ndarray]:
        """Return the share of n-grams that another language has; NaN for texts shorter than three times N."""
        compared = [columns[language] for language in rules]
        families = sorted(map(family, rules))
        family_of = np.array([families.index(family(language)) for language in rules])
        pieces = int(sum(texts.lengths.sum() for texts in compared)) // _AT_ONCE + 1
        if pieces == 1:
            return dict(zip(rules, _shares(compared, family_of)))
        bounds = np.linspace(0, len(compared[0]), pieces + 1).astype(int).tolist()
        parts = [
            _shares([Texts(texts[first:behind]) for texts in compared], family_of) for first, behind in pairwise(bounds)
        ]
        return dict(zip(rules, np.concatenate(parts, axis=1)))


def _shares(columns: Sequence[Texts], family_of: np.ndarray) -> np.ndarray:
    """Return (languages, rows) float64; family_of: (languages,) int64."""
    rows = len(columns[0])
    row_bits, language_bits = (np.uint64(max(n - 1, 1).bit_length()) for n in (rows, len(columns)))
    keys, counts = [], np.zeros((len(columns), rows), np.int64)
    for i, texts in enumerate(columns):
        owners, hashes = ngrams(texts)
        counts[i] = np.bincount(owners, minlength=rows)
        key = owners.astype(np.uint64) << (np.uint64(64) - row_bits) | hashes >> row_bits
        keys.append(key >> language_bits << language_bits | np.uint64(i))
    ascending = np.sort(np.concatenate(keys))
    grams = ascending >> language_bits
    languages = (ascending & (np.uint64(1) << language_bits) - np.uint64(1)).astype(np.int64)
    shared = _in_two_families(grams, family_of[languages])
    cells = languages[shared] * rows + (ascending[shared] >> (np.uint64(64) - row_bits)).astype(np.int64)
    in_others = np.bincount(cells, minlength=counts.size)
    return share(in_others, counts.ravel(), least=2 * N + 1).reshape(counts.shape)


def _in_two_families(grams: np.ndarray, families: np.ndarray) -> np.ndarray:
    """Return (n-grams,) bool for ascending *grams* and the family that has each."""
    if not len(grams):
        return np.zeros(0, bool)
    first = np.flatnonzero(np.append(True, grams[1:] != grams[:-1]))
    two = np.minimum.reduceat(families, first) != np.maximum.reduceat(families, first)
    return np.repeat(two, np.diff(first, append=len(grams)))
