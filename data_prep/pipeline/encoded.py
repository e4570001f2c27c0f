"""What is kept, as piece ids, and from these the store's corpora."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data_prep.engine.task import Result, Task
from data_prep.pipeline.texts import Piece, Run, SplitText
from data_prep.pipeline.vocabulary import LearnedVocabulary
from data_prep.stages.assemble import Encoded, add_corpus
from data_prep.stages.encode import KEPT, LENGTHS, encode, encoding_content
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store import file_digest
from mtdeep.corpus.store_writer import StoreWriter


@dataclass(frozen=True)
class Sizes:
    """Of one language of a split: what there is of it, and how many sentences each bin of `encode.LENGTHS` has."""

    sentences: int = 0
    characters: int = 0
    tokens: int = 0
    unknown: int = 0
    lengths: tuple[int, ...] = (0,) * (len(LENGTHS) + 1)

    def __add__(self, other: Sizes) -> Sizes:
        return Sizes(
            self.sentences + other.sentences,
            self.characters + other.characters,
            self.tokens + other.tokens,
            self.unknown + other.unknown,
            tuple(np.add(self.lengths, other.lengths).tolist()),
        )


@dataclass(frozen=True)
class EncodedText:
    """A split and its encoded chunks, in order."""

    text: SplitText
    results: Sequence[Result]

    @cached_property
    def sizes(self) -> dict[str, Sizes]:
        """Return the sizes of every language."""
        found = dict.fromkeys(self.text.languages, Sizes())
        for result in self.results:
            for language, counts in result.record["languages"].items():
                found[language] += Sizes(**counts)
        return found

    def add_to(self, writer: StoreWriter) -> CorpusRecord:
        """Append it to a store; returns what the manifest says of it."""
        text = self.text
        provenance = {
            **text.corpus.provenance(text.split),
            "account": text.ledger.account().plain(),
            "unknown_tokens": {language: sizes.unknown for language, sizes in self.sizes.items() if sizes.unknown},
        }
        chunks = [
            Encoded(result.folder, piece.part.languages, result.record["rows"])
            for piece, result in zip(text.pieces, self.results, strict=True)
        ]
        return add_corpus(
            writer, text.corpus.name, text.split, text.languages, chunks, keep_text=not text.trained,
            provenance={name: value for name, value in provenance.items() if value is not None},
        )  # fmt: skip


def encoded(run: Run, texts: Sequence[SplitText], learned: LearnedVocabulary) -> list[EncodedText]:
    """Return the texts encoded; those that are scored keep their words too."""
    model = file_digest(learned.model)
    tasks = [_encoding(text, piece, learned, model) for text in texts for piece in text.pieces]
    results = iter(run.pool.run("encode", tasks))
    return [EncodedText(text, [next(results) for _ in text.pieces]) for text in texts]


def _encoding(text: SplitText, piece: Piece, learned: LearnedVocabulary, model: str) -> Task:
    keep_text = not text.trained
    decided = {"model": model, "dictionary": learned.vocabulary.digest, "keep_text": keep_text}
    arguments = {
        "chunk": piece.part.chunk,
        "kept": piece.kept.folder / KEPT,
        "languages": piece.part.languages,
        "model": learned.model,
        "dictionary": learned.dictionary,
        "keep_text": keep_text,
    }
    content = encoding_content(str(piece.identity[0]), piece.kept.key, decided)
    return Task("encode", str(text), encode, content, arguments)
