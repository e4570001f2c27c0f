"""Encoded chunks to a store: columns stream from the chunks to the shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_prep.chunk import TokenChunk
from data_prep.stages.encode import TEXT, TOKENS
from mtdeep.corpus.blocks import Block
from mtdeep.corpus.store_writer import StoreWriter


def add_corpus(
    writer: StoreWriter,
    name: str,
    split: str,
    languages: Sequence[str],
    chunks: Sequence[Path],
    *,
    keep_text: bool,
    provenance: Mapping[str, Any],
) -> None:
    """Append a corpus to the store being written; *chunks* are the folders of its encoded chunks, in order."""
    columns = {language: _column(chunks, TOKENS, language) for language in languages}
    text = {language: _column(chunks, TEXT, language) for language in languages} if keep_text else None
    writer.add_corpus(name, split, columns, text=text, provenance=provenance)


def _column(chunks: Sequence[Path], file: str, language: str) -> Iterator[Block]:
    for folder in chunks:
        yield TokenChunk.read(folder / file, [language]).columns[language]
