"""The form in which sentences are compared with those of a store, whose training text is there as pieces alone.

What a store's pieces decode to need not have the key of the original: SentencePiece's rules drop or replace what a
key keeps (controls; with `nmt_nfkc` zero-width spaces too), and a piece that the vocabulary lacks decodes to U+2047.
So both sides are compared as the store's model gives them back: what was equal before is equal then. A sentence with
an unknown token is known in part only, since another one may have had other letters there: it is never equal, but may
be near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.duplicates.key import sentence_keys
from mtdeep.corpus.subwords import Subwords
from mtdeep.corpus.vocabulary import UNK


@dataclass(frozen=True)
class Form:
    """Sentences to compare: their texts, "" for gaps, and which are known whole, (n,) bool."""

    texts: Sequence[str]
    whole: np.ndarray

    def keys(self) -> np.ndarray:
        """Return the sentences' keys, (n,) uint64, 0 for gaps and what is known in part."""
        keys: np.ndarray = np.where(self.whole, sentence_keys(self.texts), np.uint64(0))
        return keys


def as_written(texts: Sequence[str]) -> Form:
    """Return the form of sentences that are compared as they are."""
    return Form(texts, np.ones(len(texts), dtype=bool))


def decoded(subwords: Subwords, sentences: Sequence[np.ndarray]) -> Form:
    """Return the form of sentences that are there as a store's ids, (length,) each, none for gaps."""
    return Form(subwords.decode_batch(sentences), np.array([UNK not in ids for ids in sentences], dtype=bool))


def through_pieces(subwords: Subwords, texts: Sequence[str]) -> Form:
    """Return the form that sentences would have had in the store."""
    return decoded(subwords, subwords.encode(texts, threads=1))
