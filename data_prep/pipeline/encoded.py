"""What is kept, as piece ids, and from these the store's corpora."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from data_prep.engine.task import Result, Task
from data_prep.pipeline.texts import Piece, Run, SplitText
from data_prep.pipeline.vocabulary import LearnedVocabulary
from data_prep.stages.assemble import Encoded, column
from data_prep.stages.encode import ENCODE_STEP, KEPT, LENGTHS, TEXT, TOKENS, encoding_content
from mtdeep.corpus.blocks import Block
from mtdeep.corpus.corpus_writer import CorpusWriter
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store import file_digest
from mtdeep.corpus.store_appender import StoreAppender


@dataclass(frozen=True)
class Sizes:
    """Of one language of a split: what there is of it, and how many sentences each bin of `encode.LENGTHS` has."""

    sentences: int = 0
    characters: int = 0
    tokens: int = 0
    unknown: int = 0
    lengths: tuple[int, ...] = (0,) * (len(LENGTHS) + 1)
    normalised: int = 0
    """Sentences with a character that the model's normalisation changes."""

    def __add__(self, other: Sizes) -> Sizes:
        return Sizes(
            self.sentences + other.sentences,
            self.characters + other.characters,
            self.tokens + other.tokens,
            self.unknown + other.unknown,
            tuple(np.add(self.lengths, other.lengths).tolist()),
            self.normalised + other.normalised,
        )


@dataclass(frozen=True)
class EncodedText:
    """A split and its encoded chunks, in order."""

    text: SplitText
    results: Sequence[Result]

    @cached_property
    def sizes(self) -> dict[str, Sizes]:
        """Return the sizes of every language."""
        found = dict.fromkeys(self.text.written, Sizes())
        for result in self.results:
            for language, counts in result.record["languages"].items():
                found[language] += Sizes(**{**counts, "normalised": counts["normalised"]["sentences"]})
        return found

    def changed(self, language: str) -> dict[str, tuple[str, int]]:
        """Return character -> what the model's normalisation makes of it, and how many there are, the most first."""
        found: dict[str, tuple[str, int]] = {}
        for result in self.results:
            counts = result.record["languages"].get(language)
            for character, (becomes, count) in (counts["normalised"]["characters"].items() if counts else ()):
                found[character] = becomes, found.get(character, ("", 0))[1] + count
        return dict(sorted(found.items(), key=lambda item: (-item[1][1], item[0])))

    def add_to(self, writer: CorpusWriter) -> CorpusRecord:
        """Append it to a store; returns what the manifest says of it."""
        text = self.text
        said = text.corpus.provenance(text.split)
        return writer.add_corpus(
            text.corpus.name, text.split, self._columns(TOKENS), text=self._text(),
            provenance={**{name: value for name, value in said.items() if value is not None}, **self._counted()},
        )  # fmt: skip

    def add_languages_to(self, appender: StoreAppender) -> CorpusRecord:
        """Add its languages to the corpus that the store has; returns what the manifest says of that then."""
        text = self.text
        return appender.add_languages(
            text.corpus.name, text.split, self._columns(TOKENS), text=self._text(), provenance=self._counted()
        )

    def _counted(self) -> dict[str, Any]:
        unknown = {language: sizes.unknown for language, sizes in self.sizes.items() if sizes.unknown}
        return {"account": self.text.ledger.account().plain(), "unknown_tokens": unknown}

    def _text(self) -> dict[str, Iterator[Block]] | None:
        return None if self.text.trained else self._columns(TEXT)

    def _columns(self, file: str) -> dict[str, Iterator[Block]]:
        chunks = [
            Encoded(result.folder, piece.part.languages, result.record["rows"])
            for piece, result in zip(self.text.pieces, self.results, strict=True)
        ]
        return {language: column(chunks, file, language) for language in self.text.written}


def encoded(run: Run, texts: Sequence[SplitText], learned: LearnedVocabulary) -> list[EncodedText]:
    """Return the texts encoded; those that are scored keep their words too."""
    model = file_digest(learned.model)
    tasks = [_encoding(text, piece, learned, model) for text in texts for piece in text.pieces]
    results = iter(run.pool.run("encode", tasks))
    return [EncodedText(text, [next(results) for _ in text.pieces]) for text in texts]


def _encoding(text: SplitText, piece: Piece, learned: LearnedVocabulary, model: str) -> Task:
    keep_text = not text.trained
    written = tuple(language for language in piece.part.languages if language in text.written)
    decided = {"model": model, "dictionary": learned.vocabulary.digest, "keep_text": keep_text, "written": written}
    arguments = {
        "chunk": piece.part.chunk,
        "kept": piece.kept.folder / KEPT,
        "languages": piece.part.languages,
        "written": written,
        "model": learned.model,
        "dictionary": learned.dictionary,
        "keep_text": keep_text,
    }
    content = encoding_content(str(piece.identity[0]), piece.kept.key, decided)
    return ENCODE_STEP.task(str(text), content, arguments)
