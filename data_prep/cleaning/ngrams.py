"""Hashes of character n-grams, of which repetitions and copies are found.

Characters rather than words, so that it is one rule for all scripts; a text that goes round in circles of any length
has only as many n-grams as the circle.
"""

from __future__ import annotations

import numpy as np

from data_prep.cleaning.texts import Texts

N = 8
"""Characters of an n-gram: more than a common word with its ending, less than two."""

# Odd, from the golden ratio: Knuth, The Art of Computer Programming 3, section 6.4.
_MULTIPLIER = 0x9E3779B97F4A7C15


def ngrams(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """Return the texts, ascending, and the hashes, (n-grams,) int64 and uint64, of every N characters of each.

    The upper bits of a hash are the good ones: it is the polynomial of the code points in an odd number modulo 2^64,
    multiplied by that number.
    """
    counts = np.maximum(texts.lengths - N + 1, 0)
    owners = np.repeat(np.arange(len(texts)), counts)
    before = np.cumsum(counts) - counts
    positions = np.arange(len(owners)) + (texts.starts - before)[owners]
    return owners, hashes_of(texts.codes)[positions]


def hashes_of(codes: np.ndarray) -> np.ndarray:
    """Return (characters - N + 1,) uint64, for the N characters from each position on; N is a power of 2."""
    hashes = codes.astype(np.uint64)
    factor, width = _MULTIPLIER, 1
    while width < N:
        hashes = hashes[:-width] * np.uint64(factor) + hashes[width:]
        factor, width = factor * factor % 2**64, 2 * width
    return hashes * np.uint64(_MULTIPLIER)
