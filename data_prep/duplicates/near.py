"""Near duplicates by MinHash: sentences most of whose shingles are the same.

A sentence is the set of its runs of three words or, in scripts that put no spaces between words, of five characters.
Equal sets have equal signatures, and two signatures agree at each place with the probability that is the sets' Jaccard
similarity J (Broder 1997). Bands of ROWS places find candidates: one with similarity J shares a band with probability
1 - (1 - J^ROWS)^BANDS, 0.95 at J = 0.8 and 0.06 at 0.5. Candidates are then compared by their whole signatures.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rensa import RMinHash

from mtdeep.corpus.permutation import mix

BANDS, ROWS = 16, 8
PERMUTATIONS = BANDS * ROWS
SEED = 1
SIMILAR = 0.8
"""The share of a signature's places that agree in near duplicates."""
WORDS, CHARACTERS = 8, 30
"""Shorter sentences have no near duplicates: to differ in one of few words is to be another sentence."""
VERSION = f"rensa {RMinHash.ALGORITHM_VERSION}"
"""Whether signatures of two runs can be compared."""
_WORD = re.compile(r"\w+")
_SHINGLE_WORDS, _SHINGLE_CHARACTERS = 3, 5
_COMPARED = 1 << 14  # pairs compared at once


def shingles(text: str, *, spaced: bool) -> list[str]:
    """Return the shingles of a sentence, none when it is too short; *spaced*: its script separates words."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    if spaced:
        if len(words) < WORDS:
            return []
        return [" ".join(words[i : i + _SHINGLE_WORDS]) for i in range(len(words) - _SHINGLE_WORDS + 1)]
    characters = "".join(words)
    if len(characters) < CHARACTERS:
        return []
    return [characters[i : i + _SHINGLE_CHARACTERS] for i in range(len(characters) - _SHINGLE_CHARACTERS + 1)]


@dataclass(frozen=True)
class Signatures:
    """MinHash signatures of those of some sentences that are long enough.

    rows: which sentences these are, ascending, (n,) int64; values: (n, PERMUTATIONS) uint32.
    """

    rows: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], *, spaced: bool) -> Signatures:
        """Sign the sentences; gaps and short ones have no signature."""
        found = [(row, own) for row, text in enumerate(texts) if (own := shingles(text, spaced=spaced))]
        rows = np.array([row for row, _ in found], dtype=np.int64)
        signed = RMinHash.digests_from_token_sets([own for _, own in found], PERMUTATIONS, SEED) if found else []
        return cls(rows, np.array(signed, dtype=np.uint32).reshape(-1, PERMUTATIONS))

    def bands(self) -> np.ndarray:
        """Return the key of each band, (n, BANDS) uint64: equal where all its places are, and else not but by chance.

        The band's number is in the key, so that different bands never meet.
        """
        places = self.values.reshape(-1, BANDS, ROWS).astype(np.uint64)
        keys = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), places.shape[:2])
        for i in range(ROWS):
            keys = mix(keys ^ places[:, :, i])
        return keys


@dataclass(frozen=True)
class Similar:
    """Pairs of sentences that are near: *asked* and *known* are their numbers, (n,) int64, ascending by both.

    similarity: the estimate of J, (n,) float64.
    """

    asked: np.ndarray
    known: np.ndarray
    similarity: np.ndarray


class NearIndex:
    """Sentences to be found again, by their bands."""

    def __init__(self, signatures: Signatures) -> None:
        """Index signatures; memory is 16 bytes a band and 512 a sentence."""
        self._values = signatures.values
        self._sentences = signatures.rows
        keys = signatures.bands().ravel()
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._owners = order // BANDS

    def find(self, signatures: Signatures) -> Similar:
        """Return all pairs of one of *signatures* and an indexed sentence that share a band and are near."""
        asked, known = self._candidates(signatures.bands())
        similarity = np.zeros(len(asked))
        for start in range(0, len(asked), _COMPARED):
            some = slice(start, start + _COMPARED)
            similarity[some] = (self._values[known[some]] == signatures.values[asked[some]]).mean(axis=1)
        near = similarity >= SIMILAR
        return Similar(signatures.rows[asked[near]], self._sentences[known[near]], similarity[near])

    def _candidates(self, bands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs that share one of *bands*, (n, BANDS): numbers of their signatures, each pair once."""
        first = np.searchsorted(self._keys, bands, side="left").ravel()
        counts = np.searchsorted(self._keys, bands, side="right").ravel() - first
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        known = self._owners[np.repeat(first, counts) + steps]
        asked = np.repeat(np.arange(len(bands)), counts.reshape(-1, BANDS).sum(axis=1))
        size = max(len(self._sentences), 1)
        pairs = np.unique(asked * size + known)
        return pairs // size, pairs % size
