"""Rule: a text that goes round in circles."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_prep.cleaning.ngrams import N, ngrams
from data_prep.cleaning.rule import CellRule, share
from data_prep.cleaning.texts import Texts


class RepeatedNgrams(CellRule):
    """Score: the share of character n-grams (`ngrams.N`) that the text has had before.

    A sentence said twice has half; models that loop have nearly all. Nothing to say of texts too short for a circle.
    """

    name: ClassVar[str] = "repeated_ngrams"
    above: ClassVar[str] = "round in circles"

    max: float | None = 0.7

    def scores(self, language: str, texts: Texts) -> np.ndarray:
        """Return 1 - distinct / all n-grams; NaN for texts of less than three times N characters."""
        owners, hashes = ngrams(texts)
        all_of = np.bincount(owners, minlength=len(texts))
        bits = np.uint64(max(len(texts) - 1, 1).bit_length())
        keys = np.sort(owners.astype(np.uint64) << (np.uint64(64) - bits) | hashes >> bits)
        new = np.ones(len(keys), bool)
        new[1:] = keys[1:] != keys[:-1]
        # Sorting leaves every n-gram within its text's stretch, so the owners are those from before.
        distinct = np.bincount(owners[new], minlength=len(texts))
        return share(all_of - distinct, all_of, least=2 * N + 1)
