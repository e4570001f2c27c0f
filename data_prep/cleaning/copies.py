"""Rule: text that was left untranslated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import ClassVar, Self

import numpy as np

from data_prep.cleaning.ngrams import N, hashes_of, ngrams
from data_prep.cleaning.related import family
from data_prep.cleaning.rule import RowRule, share
from data_prep.cleaning.texts import Texts

_LEAST = 3 * N
"""Characters of a text that is long enough to be a copy and no name."""
_LOOKED_AT = 0.5
"""Share of a sentence's n-grams that all languages before it must have together, for each of them to be looked at."""
# Odd numbers, each a permutation of the hashes (multiply-shift hashing; Steele and Vigna 2021 list good ones).
_MULTIPLIERS = (0xD1342543DE82EF95, 0xAF251AF3B0F025B5, 0xB564EF22EC7AECE5)


class Copies(RowRule):
    """Score: the share of a sentence's character n-grams (`ngrams.N`) that one language named before it has in the row.

    That is one language's own text, never what several have together: with enough languages, all of a sentence stands
    somewhere. The score is that of the first language that is out of bounds, else the largest; 0 where all languages
    together have less than half of the n-grams.

    The first of sentences that are copies of one another stays: catalogues and translated text name the source first,
    and its other translations must not lose it for a language that was left untranslated. Of two sentences both are at
    fault, compared either way: without the other, neither has a partner. Languages of one `related.family` are not
    compared. Nothing to say of short texts: names, titles and `OK` are the same in many languages.

    Sentences are compared n-gram by n-gram where one of three MinHashes (Broder 1997) of two of them agrees: always for
    whole copies, with probability 1 - (1 - J)^3 for n-gram sets of Jaccard index J, which is over 0.99 where both have
    0.9 of their n-grams in common. The score of the others is 0.
    """

    name: ClassVar[str] = "copies"
    above: ClassVar[str] = "copied"

    max: float | None = 0.9

    @classmethod
    def row_scores(cls, rules: Mapping[str, Self], columns: Mapping[str, Texts]) -> Mapping[str, np.ndarray]:
        """Return the share of n-grams that an earlier language has; NaN for texts shorter than three times N."""
        compared = [columns[language] for language in rules]
        families = [family(language) for language in rules]
        scores = np.stack([np.where(texts.lengths >= _LEAST, 0.0, np.nan) for texts in compared])
        hashes = np.stack([_min_hashes(texts, i) for i, texts in enumerate(compared)], axis=1)
        family_of = np.array([families.index(name) for name in families])
        suspects = _suspects(hashes, family_of)
        rows = np.flatnonzero(suspects.any(axis=0))
        if len(rows):
            some = [Texts([texts[row] for row in rows.tolist()]) for texts in compared]
            some = [texts.where(suspect) for texts, suspect in zip(some, suspects[:, rows])]
            of_two = np.sum([texts.present[rows] for texts in compared], axis=0) == 2
            shares = _shares_of_all(some, family_of, of_two)
            if len(some) > 2:
                bounds = [rule.max for rule in rules.values()]
                shares = _shares_of_one(some, shares, family_of, of_two, hashes[:, :, rows], bounds)
            scores[:, rows] = np.fmax(scores[:, rows], shares)
        return dict(zip(rules, scores))

    def seen_beside(self, language: str, row: Mapping[str, str]) -> str | None:
        """Return the language that a text is a copy of: the first that is out of bounds, else the most like it."""
        codes = list(row)
        before = codes if len(codes) == 2 else codes[: codes.index(language)]
        others = [code for code in before if family(code) != family(language)]
        if not others:
            return None
        number, _ = _first_copied(row[language], [row[code] for code in others], self.max)
        return others[number]


def _first_copied(text: str, others: Iterable[str], bound: float | None) -> tuple[int, float]:
    """Return the number and share of the first of *others* with more than *bound* of a text's n-grams, else the most.

    There must be one.
    """
    grams = _ngrams_of(text)
    best = 0, -1.0
    for number, other in enumerate(others):
        share = sum(map(_distinct(other).__contains__, grams)) / max(1, len(grams))
        best = max(best, (number, share), key=itemgetter(1))  # of equals the first
        if bound is not None and share > bound:
            break
    return best


# The sentence that many are copies of is asked for by each of them, row by row.
@lru_cache(maxsize=64)
def _distinct(text: str) -> frozenset[str]:
    return frozenset(_ngrams_of(text))


def _ngrams_of(text: str) -> list[str]:
    return [text[i : i + N] for i in range(len(text) - N + 1)]


def _suspects(hashes: np.ndarray, family_of: np.ndarray) -> np.ndarray:
    """Return (languages, rows) bool: who has a MinHash in common with others, in rows where these are no relatives.

    hashes: (hash functions, languages, rows) uint64; family_of: (languages,) int64.
    """
    found = np.zeros(hashes.shape[1:], bool)
    for of_function in hashes:
        order = np.argsort(of_function, axis=0)
        ascending = np.take_along_axis(of_function, order, axis=0)
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


def _shares_of_one(
    columns: Sequence[Texts],
    of_all: np.ndarray,
    family_of: np.ndarray,
    of_two: np.ndarray,
    hashes: np.ndarray,
    bounds: Sequence[float | None],
) -> np.ndarray:
    """Return (languages, rows) float64: the largest share that one language has, or the first's that is out of bounds.

    of_all: as `_shares_of_all` has it, which is never less; hashes: (hash functions, languages, rows). Few cells get as
    far as this, so they are looked at one by one.
    """
    found = np.where(np.isnan(of_all), np.nan, 0.0)
    least = np.array([_LOOKED_AT if bound is None else min(bound, _LOOKED_AT) for bound in bounds])
    for row, i in np.argwhere((of_all >= least[:, None]).T).tolist():
        before = np.arange(len(columns) if of_two[row] else i)
        alike = (hashes[:, before, row] == hashes[:, i, row, None]).any(axis=0) & (family_of[before] != family_of[i])
        if others := [text for j in before[alike].tolist() if (text := columns[j][row])]:
            _, found[i, row] = _first_copied(columns[i][row], others, bounds[i])
    return found


def _shares_of_all(columns: Sequence[Texts], family_of: np.ndarray, of_two: np.ndarray) -> np.ndarray:
    """Return (languages, rows) float64: the share of n-grams that all languages named before have together.

    family_of: (languages,) int64; of_two: (rows,) bool, compared either way. NaN for texts that are too short.
    """
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
    owners = (ascending >> (np.uint64(64) - row_bits)).astype(np.int64)
    before, anywhere = _in_another_family(grams, family_of[languages])
    shared = np.where(of_two[owners], anywhere, before)
    in_others = np.bincount(languages[shared] * rows + owners[shared], minlength=counts.size)
    return share(in_others, counts.ravel(), least=_LEAST - N + 1).reshape(counts.shape)


def _in_another_family(grams: np.ndarray, families: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays (n-grams,) bool for ascending *grams*, of equals in the order of languages, and their families.

    Whether one before it is equal and of another family; whether any that is equal to it differs from another so.
    """
    if not len(grams):
        return np.zeros(0, bool), np.zeros(0, bool)
    first = np.flatnonzero(np.append(True, grams[1:] != grams[:-1]))
    sizes = np.diff(first, append=len(grams))
    differs = families != np.repeat(families[first], sizes)  # from the first of its equals
    so_far = np.cumsum(differs)
    before = so_far > np.repeat(so_far[first], sizes)
    return before, np.repeat(np.logical_or.reduceat(differs, first), sizes)
