"""Corpora into shards: what writing a new store and appending to one have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from mtdeep.corpus.blocks import Block
from mtdeep.corpus.manifest import (
    DICTIONARY,
    MANIFEST,
    SHARDS,
    Column,
    CorpusRecord,
    FileRecord,
    Kind,
    Manifest,
)
from mtdeep.corpus.shards import ShardWriter, write_file
from mtdeep.corpus.shared_rows import pair_counts
from mtdeep.corpus.vocabulary import UNK, Vocabulary
from mtdeep.durable import sync_directory

Columns = Mapping[str, Iterable[Block]]


class CorpusWriter(ABC):
    """Streams columns to the shards of a folder and keeps the record of every corpus.

    Use it as a context manager: leaving it without `finish`, or by an exception, removes what was written.
    """

    def __init__(
        self, folder: Path, vocabulary: Vocabulary, token_dtype: np.dtype, *, shard_bytes: int, first_shard: int = 0
    ) -> None:
        self.vocabulary = vocabulary
        self._folder = folder
        self._token_dtype = token_dtype
        self._shards = ShardWriter(folder, shard_bytes, first_shard)
        self._corpora: list[CorpusRecord] = []
        self._files: dict[str, FileRecord] = {}

    @property
    def corpora(self) -> tuple[CorpusRecord, ...]:
        """What the manifest is to say of all corpora, in their order."""
        return tuple(self._corpora)

    def add_corpus(
        self, name: str, split: str, columns: Columns, *, text: Columns | None = None, provenance: Mapping[str, Any]
    ) -> CorpusRecord:
        """Append a corpus: per language the piece ids of its rows, in blocks of any size.

        Columns are read one after the other, each once, and nothing but a block is held. `text` keeps the UTF-8 of raw
        sentences beside the ids (splits that are scored). Raises `ValueError` when columns differ in rows, when an id
        is no piece, or a name comes twice in a split.
        """
        if any((record.split, record.name) == (split, name) for record in self._corpora):
            raise ValueError(f"corpus {name!r} of split {split!r} was added before")
        written, presence = self._write_columns(name, columns, text or {})
        rows = sum(segment.rows for segment in written[0].segments) if written else 0
        record = CorpusRecord(name, split, rows, tuple(written), pair_counts(presence), dict(provenance))
        self._corpora.append(record)
        return record

    def add_file(self, name: str, content: bytes) -> None:
        """Put a file beside the sentences, at the path *name* in the store: what people read, and no command needs.

        The manifest lists it like the others. Raises `ValueError` where the store has a file of that name.
        """
        if name in (MANIFEST, DICTIONARY) or name in self._files or name.startswith(f"{SHARDS}/"):
            raise ValueError(f"the store has a file {name!r} already")
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files[name] = write_file(path, content)
        sync_directory(path.parent)

    def _write_columns(
        self, name: str, columns: Columns, text: Columns, rows: int | None = None
    ) -> tuple[list[Column], list[np.ndarray]]:
        """Columns of tokens, then of text, and the presence bits of the former; *rows* is what each must have."""
        if not {*columns, *text} <= set(self.vocabulary.languages):
            raise ValueError(f"corpus {name!r}: languages {sorted(columns)} are not all in the vocabulary")
        written: list[Column] = []
        presence: list[np.ndarray] = []
        for language, blocks in columns.items():
            column, present = self._write_column(language, "tokens", self._checked(blocks, name, language))
            written.append(column)
            presence.append(present)
        for language, blocks in text.items():
            written.append(self._write_column(language, "text", blocks)[0])
        counts = {f"{column.kind} of {column.language}": sum(s.rows for s in column.segments) for column in written}
        if len({*counts.values(), *([] if rows is None else [rows])}) > 1:
            raise ValueError(f"corpus {name!r}: columns differ in rows: {counts}")
        return written, presence

    def _write_column(self, language: str, kind: Kind, blocks: Iterable[Block]) -> tuple[Column, np.ndarray]:
        dtype = (self._token_dtype if kind == "tokens" else np.dtype(np.uint8)).newbyteorder("<")
        segments, presence = self._shards.write_column(blocks, dtype)
        present, units = sum(s.sentences for s in segments), sum(s.units for s in segments)
        return Column(language, kind, present, units, segments), presence

    def _checked(self, blocks: Iterable[Block], name: str, language: str) -> Iterator[Block]:
        """Refuse what is no piece: tags and end-of-sentence are added when a batch is made."""
        before = 0
        for block in blocks:
            wrong = np.flatnonzero((block.units < UNK) | (block.units >= self.vocabulary.first_tag))
            if len(wrong):
                row = before + int(np.searchsorted(np.cumsum(block.lengths), wrong[0], side="right"))
                raise ValueError(f"corpus {name!r}, {language}, row {row}: an id is neither a piece nor <unk>")
            before += len(block.lengths)
            yield block

    def _manifest(self, provenance: Mapping[str, Any]) -> Manifest:
        """The manifest of all that was written; closes the last shard."""
        self._shards.close_shard()
        self._files.update(self._shards.files)
        return Manifest(
            vocabulary_size=len(self.vocabulary),
            pieces=len(self.vocabulary.pieces),
            vocabulary_digest=self.vocabulary.digest,
            languages=self.vocabulary.languages,
            token_dtype=self._token_dtype.name,
            files=self._files,
            corpora=tuple(self._corpora),
            provenance=dict(provenance),
        )

    @abstractmethod
    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Make what was written part of the store, in one step."""

    @abstractmethod
    def abandon(self) -> None:
        """Remove what was written; nothing of it after `finish`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()
