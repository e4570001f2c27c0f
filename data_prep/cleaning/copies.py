"""Rule: text that was left untranslated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from data_prep.cleaning.ngrams import N, hashes_of, ngrams
from data_prep.cleaning.related import family
from data_prep.cleaning.rule import RowRule, share
from data_prep.cleaning.texts import Texts

_LEAST = 3 * N
"""Characters of a text that is long enough to be a copy and no name."""
# Odd numbers, each a permutation of the hashes (multiply-shift hashing; Steele and Vigna 2021 list good ones).
_MULTIPLIERS = (0xD1342543DE82EF95, 0xAF251AF3B0F025B5, 0xB564EF22EC7AECE5)


class Copies(RowRule):
    """Score: the share of a sentence's character n-grams (`ngrams.N`) that the row has in another language too.

    Every sentence of a row that is a copy of another is at fault: which of them is the original nobody can tell here
    (language identification, which comes before, rejects those that it knows). Languages of one `related.family` are
    not compared. Nothing to say of short texts: names, titles and `OK` are the same in many languages.

    Sentences are compared n-gram by n-gram where one of three MinHashes (Broder 1997) of two of them agrees: always for
    whole copies, with probability 1 - (1 - J)^3 for n-gram sets of Jaccard index J, which is over 0.99 where both have
    0.9 of their n-grams in common. The score of the others is 0.
    """

    name: ClassVar[str] = "copies"
    above: ClassVar[str] = "copied"

    max: float | None = 0.9

    @classmethod
    def row_scores(cls, rules: Mapping[str, Self], columns: Mapping[str, Texts]) -> Mapping[str, np.ndarray]:
        """Return the share of n-grams that another language has; NaN for texts shorter than three times N."""
        compared = [columns[language] for language in rules]
        families = sorted(map(family, rules))
        family_of = np.array([families.index(family(language)) for language in rules])
        scores = np.stack([np.where(texts.lengths >= _LEAST, 0.0, np.nan) for texts in compared])
        suspects = _suspects(compared, family_of)
        rows = np.flatnonzero(suspects.any(axis=0))
        if len(rows):
            chosen = rows.tolist()
            some = [Texts([texts[row] for row in chosen]) for texts in compared]
            some = [texts.where(suspect) for texts, suspect in zip(some, suspects[:, rows])]
            scores[:, rows] = np.fmax(scores[:, rows], _shares(some, family_of))
        return dict(zip(rules, scores))


def _suspects(columns: Sequence[Texts], family_of: np.ndarray) -> np.ndarray:
    """Return (languages, rows) bool: who has a MinHash in common with others, in rows where these are no relatives."""
    found = np.zeros((len(columns), len(columns[0])), bool)
    for hashes in np.stack([_min_hashes(texts, i) for i, texts in enumerate(columns)], axis=1):
        order = np.argsort(hashes, axis=0)
        ascending = np.take_along_axis(hashes, order, axis=0)
        families = family_of[order]
        equal = ascending[1:] == ascending[:-1]
        # Where several are equal and one of them is of another family, two neighbours differ in family.
        rows = (equal & (families[1:] != families[:-1])).any(axis=0)
        in_common = np.zeros(found.shape, bool)
        in_common[1:] = equal
        in_common[:-1] |= equal
        these = np.zeros(found.shape, bool)
        np.put_along_axis(these, order, in_common & rows, axis=0)
        found |= these
    return found


def _min_hashes(texts: Texts, unlike: int) -> np.ndarray:
    """Return (hash functions, texts) uint64: the smallest n-gram hash of each; *unlike* for texts too short."""
    long_enough = np.flatnonzero(texts.lengths >= _LEAST)
    found = np.full((len(_MULTIPLIERS), len(texts)), unlike, np.uint64)
    if not len(long_enough):
        return found
    first = texts.starts[long_enough]
    bounds = np.stack([first, first + texts.lengths[long_enough] - N + 1], axis=1).ravel()
    hashes = hashes_of(texts.codes)
    for row, multiplier in zip(found, _MULTIPLIERS):
        # Every other stretch is a sentence's; between them are the n-grams that reach over a separator.
        row[long_enough] = np.minimum.reduceat(hashes * np.uint64(multiplier), bounds)[::2]
    return found


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
    return share(in_others, counts.ravel(), least=_LEAST - N + 1).reshape(counts.shape)


def _in_two_families(grams: np.ndarray, families: np.ndarray) -> np.ndarray:
    """Return (n-grams,) bool for ascending *grams* and the family that has each."""
    if not len(grams):
        return np.zeros(0, bool)
    first = np.flatnonzero(np.append(True, grams[1:] != grams[:-1]))
    two = np.minimum.reduceat(families, first) != np.maximum.reduceat(families, first)
    return np.repeat(two, np.diff(first, append=len(grams)))
