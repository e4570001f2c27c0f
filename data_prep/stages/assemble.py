"""Encoded chunks as the columns of a store, which stream from the chunks to the shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.chunk import TokenChunk
from mtdeep.corpus.blocks import Block


@dataclass(frozen=True)
class Encoded:
    """The folder of an encoded chunk, the languages that it has, and its rows."""

    folder: Path
    languages: Sequence[str]
    rows: int


def column(chunks: Sequence[Encoded], file: str, language: str) -> Iterator[Block]:
    """Yield a language of the chunks' TOKENS or TEXT, in blocks; a language that a chunk lacks is a gap in its rows."""
    for chunk in chunks:
        if language in chunk.languages:
            yield TokenChunk.read(chunk.folder / file, [language]).columns[language]
        else:
            yield Block(np.zeros(0, dtype=np.uint8), np.zeros(chunk.rows, dtype=np.int64))
