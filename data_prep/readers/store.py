"""The rows of another store, as text: the raw text where the store keeps it, else what its pieces decode to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from data_prep.batch import Batch, Rejected, RejectedText
from data_prep.engine.libraries import LANGUAGES
from data_prep.readers.rows import excerpt, needs_every_language
from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.manifest import MANIFEST
from mtdeep.corpus.store import Store
from mtdeep.corpus.text import StoredText
from mtdeep.errors import UserError
from mtdeep.languages import resolve

UNKNOWN = "unknown to the store's vocabulary"


@dataclass(frozen=True)
class StoreRows:
    """One corpus of one split of a store.

    languages: those to read, in the codes of today, which an old store may have otherwise. Decoded text is what the
    store's SentencePiece model made of the original (`script_nfkc` by default). A sentence with an unknown token
    cannot be decoded: it rejects its row, or in three and more languages leaves a gap.
    """

    libraries: ClassVar[tuple[str, ...]] = ("sentencepiece", *LANGUAGES)
    path: Path
    corpus: str
    languages: tuple[str, ...]
    split: str = "train"

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the manifest, which holds the digests of all the store's files."""
        return (self.path / MANIFEST,)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError for a damaged store, and a corpus or language that it lacks.

        Every byte of the store is compared with its digests first: ids that have changed are another text.
        """
        store = Store(self.path)
        corpus = self._open(store)
        store.verify()
        stored = {language: resolve(language, corpus.languages) for language in self.languages}
        if missing := [language for language, code in stored.items() if code not in corpus.languages]:
            raise UserError(f"{self.path}: corpus {self.corpus!r} has no language {missing[0]!r}; leave it out")
        text = StoredText(store)
        first = 0
        for start in range(0, corpus.rows, rows):
            numbers = range(start, min(start + rows, corpus.rows))
            batch = self._batch(corpus, stored, numbers, first, text)
            yield batch
            first += batch.rows

    def _open(self, store: Store) -> Corpus:
        found = [corpus for corpus in store.corpora(self.split) if corpus.name == self.corpus]
        if not found:
            names = ", ".join(corpus.name for corpus in store.corpora(self.split))
            raise UserError(f"{self.path}: no corpus {self.corpus!r} in split {self.split!r}; it has {names}")
        return found[0]

    def _batch(self, corpus: Corpus, stored: Mapping[str, str], numbers: range, first: int, text: StoredText) -> Batch:
        columns: dict[str, list[str]] = {}
        unknown: dict[str, np.ndarray] = {}
        for language, code in stored.items():
            columns[language], unknown[language] = text.column(corpus, code, numbers)
        return self._without_unknown(columns, unknown, numbers, first)

    def _without_unknown(
        self, columns: Mapping[str, list[str]], unknown: Mapping[str, np.ndarray], numbers: range, first: int
    ) -> Batch:
        bad = np.any([*unknown.values()], axis=0)
        if not bad.any():
            return Batch(first, columns)
        if not needs_every_language(columns):
            rejected_texts = [
                RejectedText(language, UNKNOWN, f"row {numbers[i]}", excerpt(columns[language][i]))
                for language, where in unknown.items()
                for i in np.flatnonzero(where)
            ]
            gaps = {
                language: ["" if lost else text for text, lost in zip(column, unknown[language], strict=True)]
                for language, column in columns.items()
            }
            return Batch(first, gaps, rejected_texts=rejected_texts)
        rejected = [
            Rejected(
                UNKNOWN, f"row {numbers[i]}", excerpt(next(columns[code][i] for code in columns if unknown[code][i]))
            )
            for i in np.flatnonzero(bad)
        ]
        kept = np.flatnonzero(~bad).tolist()
        return Batch(first, {language: [column[i] for i in kept] for language, column in columns.items()}, rejected)
