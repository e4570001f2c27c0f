"""When two sentences are the same: up to case, width and spaces."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import xxhash


def sentence_key(sentence: str) -> int:
    """Return a 64-bit key that is equal for sentences that differ in case, width or spaces only; 0 for a gap."""
    plain = " ".join(unicodedata.normalize("NFKC", sentence).casefold().split())
    return xxhash.xxh3_64_intdigest(plain.encode("utf-8", "surrogatepass")) if plain else 0


def sentence_keys(sentences: Sequence[str]) -> np.ndarray:
    """Return the keys of many, (n,) uint64."""
    return np.fromiter(map(sentence_key, sentences), dtype=np.uint64, count=len(sentences))
