"""Whether the code that there is now still gives what a store has, of which another version of it has made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data_prep.chunk import TokenChunk
from data_prep.pipeline.encoded import EncodedText, encoded
from data_prep.pipeline.texts import Run, SplitText
from data_prep.pipeline.vocabulary import LearnedVocabulary
from data_prep.stages.encode import TOKENS
from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.store import Store
from mtdeep.languages import resolve


def difference(run: Run, store: Store, texts: Sequence[SplitText], vocabulary: LearnedVocabulary) -> str | None:
    """Return in words the first sentence of *texts*, all that a store has, that the store has otherwise, or None.

    Every sentence is encoded again and compared with its ids: what is appended goes by the rows that these steps give.
    """
    stored = {(corpus.name, corpus.split): corpus for split in store.splits for corpus in store.corpora(split)}
    whole = [replace(text, added=()) for text in texts]
    if stored.keys() != {text.name for text in whole}:
        return "it has other corpora"
    for text in encoded(run, whole, vocabulary):
        corpus = stored[text.text.name]
        if what := _first_difference(text, corpus):
            return f"{what} of corpus {corpus.name!r}, split {corpus.split!r}"
    return None


def _first_difference(text: EncodedText, corpus: Corpus) -> str | None:
    rows = sum(result.record["rows"] for result in text.results)
    if rows != corpus.rows:
        return f"{corpus.rows:,} rows are {rows:,}"
    stored = {language: resolve(language, corpus.languages) for language in text.text.written}
    if set(stored.values()) != set(corpus.languages):
        return "the languages"
    first = 0
    for piece, result in zip(text.text.pieces, text.results, strict=True):
        for language in piece.part.languages:
            column = TokenChunk.read(result.folder / TOKENS, [language]).columns[language]
            for row, ids in enumerate(column.sentences(), start=first):
                if not np.array_equal(ids, corpus.sentence(stored[language], row)):
                    return f"the {language} sentence of row {row:,}"
        first += result.record["rows"]
    return None
