"""Encoded chunks to a store: columns stream from the chunks to the shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TokenChunk
from data_prep.stages.encode import TEXT, TOKENS
from mtdeep.corpus.blocks import Block
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store_writer import StoreWriter


@dataclass(frozen=True)
class Encoded:
    """The folder of an encoded chunk, the languages that it has, and its rows."""

    folder: Path
    languages: Sequence[str]
    rows: int


def add_corpus(
    writer: StoreWriter,
    name: str,
    split: str,
    languages: Sequence[str],
    chunks: Sequence[Encoded],
    *,
    keep_text: bool,
    provenance: Mapping[str, Any],
) -> CorpusRecord:
    """Append a corpus to the store being written; a language that a chunk does not have is a gap in its rows."""
    columns = {language: _column(chunks, TOKENS, language) for language in languages}
    text = {language: _column(chunks, TEXT, language) for language in languages} if keep_text else None
    return writer.add_corpus(name, split, columns, text=text, provenance=provenance)


def _column(chunks: Sequence[Encoded], file: str, language: str) -> Iterator[Block]:
    for chunk in chunks:
        if language in chunk.languages:
            yield TokenChunk.read(chunk.folder / file, [language]).columns[language]
        else:
            yield Block(np.zeros(0, dtype=np.uint8), np.zeros(chunk.rows, dtype=np.int64))
