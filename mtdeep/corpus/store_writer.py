"""The store on disk, written: columns stream through, and the store appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mtdeep.corpus.blocks import Block
from mtdeep.corpus.manifest import (
    DICTIONARY,
    MANIFEST,
    SHARDS,
    SUBWORD_MODEL,
    Column,
    CorpusRecord,
    FileRecord,
    Kind,
    Manifest,
)
from mtdeep.corpus.shards import ShardWriter, write_file
from mtdeep.corpus.vocabulary import UNK, Vocabulary
from mtdeep.durable import sync_directory
from mtdeep.errors import UserError


class StoreWriter:
    """Writes a store beside `path` and renames it to `path` when it is finished.

    Use it as a context manager: leaving it without `finish`, or by an exception, removes what was written. Raises
    `UserError` when something stands at `path` already.
    """

    def __init__(
        self, path: Path | str, vocabulary: Vocabulary, sentencepiece_model: bytes, *, shard_bytes: int = 4 << 30
    ) -> None:
        self.path = Path(path)
        self._vocabulary = vocabulary
        if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
            raise UserError(f"{self.path}: exists already; remove it, or give another place for the store")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = Path(tempfile.mkdtemp(prefix=f"{self.path.name}.partial-", dir=self.path.parent))
        self._partial.chmod(0o777 & ~_umask())
        (self._partial / SHARDS).mkdir()
        self._shards = ShardWriter(self._partial, shard_bytes)
        self._corpora: list[CorpusRecord] = []
        self._files: dict[str, FileRecord] = {
            SUBWORD_MODEL: write_file(self._partial / SUBWORD_MODEL, sentencepiece_model)
        }

    def add_corpus(
        self,
        name: str,
        split: str,
        columns: Mapping[str, Iterable[Block]],
        *,
        text: Mapping[str, Iterable[Block]] | None = None,
        provenance: Mapping[str, Any],
    ) -> CorpusRecord:
        """Append a corpus: per language the piece ids of its rows, in blocks of any size.

        Columns are read one after the other, each once, and nothing but a block is held. `text` keeps the UTF-8 of raw
        sentences beside the ids (splits that are scored). Raises `ValueError` when columns differ in rows, when an id
        is no piece, or a name comes twice in a split.
        """
        if any((record.split, record.name) == (split, name) for record in self._corpora):
            raise ValueError(f"corpus {name!r} of split {split!r} was added before")
        if not set(columns) | set(text or {}) <= set(self._vocabulary.languages):
            raise ValueError(f"corpus {name!r}: languages {sorted(columns)} are not all in the vocabulary")
        written: list[Column] = []
        presence: list[np.ndarray] = []
        for language, blocks in columns.items():
            column, present = self._add_column(language, "tokens", self._checked(blocks, name, language))
            written.append(column)
            presence.append(present)
        pairs = _pair_counts(written, presence)
        for language, blocks in (text or {}).items():
            written.append(self._add_column(language, "text", blocks)[0])
        rows = {f"{column.kind} of {column.language}": _rows(column) for column in written}
        if len(set(rows.values())) > 1:
            raise ValueError(f"corpus {name!r}: columns differ in rows: {rows}")
        record = CorpusRecord(name, split, max(rows.values(), default=0), tuple(written), pairs, dict(provenance))
        self._corpora.append(record)
        return record

    def _add_column(self, language: str, kind: Kind, blocks: Iterable[Block]) -> tuple[Column, np.ndarray]:
        dtype = (self._vocabulary.token_dtype if kind == "tokens" else np.dtype(np.uint8)).newbyteorder("<")
        segments, presence = self._shards.write_column(blocks, dtype)
        present, units = sum(s.sentences for s in segments), sum(s.units for s in segments)
        return Column(language, kind, present, units, segments), presence

    def _checked(self, blocks: Iterable[Block], name: str, language: str) -> Iterator[Block]:
        """Refuse what is no piece: tags and end-of-sentence are added when a batch is made."""
        before = 0
        for block in blocks:
            wrong = np.flatnonzero((block.units < UNK) | (block.units >= self._vocabulary.first_tag))
            if len(wrong):
                row = before + int(np.searchsorted(np.cumsum(block.lengths), wrong[0], side="right"))
                raise ValueError(f"corpus {name!r}, {language}, row {row}: an id is neither a piece nor <unk>")
            before += len(block.lengths)
            yield block

    def add_file(self, name: str, content: bytes) -> None:
        """Put a file beside the sentences, at the path *name* in the store: what people read, and no command needs.

        The manifest lists it like the others. Raises `ValueError` where the store has a file of that name.
        """
        path = self._partial / name
        if name in (MANIFEST, DICTIONARY) or path.exists():
            raise ValueError(f"the store has a file {name!r} already")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files[name] = write_file(path, content)
        sync_directory(path.parent)

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write the dictionary and the manifest, sync everything, and rename the store to its path."""
        self._shards.close_shard()
        self._files[DICTIONARY] = write_file(self._partial / DICTIONARY, self._vocabulary.dump())
        self._files.update(self._shards.files)
        manifest = Manifest(
            vocabulary_size=len(self._vocabulary),
            pieces=len(self._vocabulary.pieces),
            vocabulary_digest=self._vocabulary.digest,
            languages=self._vocabulary.languages,
            token_dtype=self._vocabulary.token_dtype.name,
            files=self._files,
            corpora=tuple(self._corpora),
            provenance=dict(provenance),
        )
        write_file(self._partial / MANIFEST, manifest.dump())
        sync_directory(self._partial / SHARDS)
        sync_directory(self._partial)
        os.rename(self._partial, self.path)
        sync_directory(self.path.parent)

    def abandon(self) -> None:
        """Remove what was written; nothing to do after `finish`."""
        self._shards.abandon()
        shutil.rmtree(self._partial, ignore_errors=True)

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _rows(column: Column) -> int:
    return sum(segment.rows for segment in column.segments)


def _pair_counts(columns: list[Column], presence: list[np.ndarray]) -> tuple[int, ...]:
    """Rows that each two columns share: upper triangle, row by row."""
    full = [column.sentences == _rows(column) for column in columns]
    counts = []
    for i, column in enumerate(columns):
        for j in range(i + 1, len(columns)):
            if len(presence[i]) != len(presence[j]):
                counts.append(0)  # unequal rows, which add_corpus refuses with the numbers of all columns
            elif full[i]:
                counts.append(columns[j].sentences)
            elif full[j]:
                counts.append(column.sentences)
            else:
                counts.append(int(np.bitwise_count(presence[i] & presence[j]).sum()))
    return tuple(counts)
