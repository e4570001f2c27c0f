"""What the sentences of a store are as text: the raw text where it keeps that, else what their pieces say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.store import Store
from mtdeep.corpus.subwords import Subwords
from mtdeep.corpus.vocabulary import UNK

RAW, DECODED, PIECES = "raw", "decoded", "pieces"
"""Where a text comes from: as it was read, as the SentencePiece model decodes it, or the pieces between blanks."""


class StoredText:
    """The text of a store's sentences, or with *pieces* their pieces, as a corpus is trained on."""

    def __init__(self, store: Store, *, pieces: bool = False) -> None:
        """Prepare to read an open store."""
        self._store, self._pieces = store, pieces

    def source(self, corpus: Corpus, language: str) -> str:
        """Return where the text of a column comes from: RAW, DECODED or PIECES."""
        if self._pieces:
            return PIECES
        return RAW if corpus.has_text(language) else DECODED

    def column(self, corpus: Corpus, language: str, rows: Sequence[int]) -> tuple[list[str], np.ndarray]:
        """Return the text of *rows*, "" for a gap, and which of them have none: (rows,) bool.

        A sentence with an unknown token cannot be decoded; its text shows SentencePiece's own sign for that. Raises
        UserError where text has to be decoded and the store has no SentencePiece model.
        """
        known = np.zeros(len(rows), dtype=bool)
        source = self.source(corpus, language)
        if source == RAW:
            return [corpus.text(language, row) for row in rows], known
        ids = [corpus.sentence(language, row) for row in rows]
        if source == PIECES:
            return [" ".join(self._symbols[i] for i in sentence.tolist()) for sentence in ids], known
        return self._subwords.decode_batch(ids), np.array([UNK in sentence for sentence in ids], dtype=bool)

    @cached_property
    def _subwords(self) -> Subwords:
        return self._store.subwords()

    @cached_property
    def _symbols(self) -> Sequence[str]:
        return self._store.vocabulary.symbols()
