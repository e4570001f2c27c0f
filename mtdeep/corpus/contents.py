"""What a store has, in numbers: all from its manifest, no token is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mtdeep.corpus.directions import available
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store import Store


@dataclass(frozen=True)
class CorpusContents:
    """One corpus; `text` are the languages whose raw text is kept, `directions` those with a pair."""

    name: str
    split: str
    rows: int
    languages: tuple[str, ...]
    text: tuple[str, ...]
    sentences: int
    tokens: int
    directions: int
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class SplitContents:
    """One split; `pairs` are sentence pairs over all pairs of languages, each counted once for its two directions."""

    name: str
    corpora: int
    rows: int
    languages: int
    sentences: int
    tokens: int
    directions: int
    pairs: int


@dataclass(frozen=True)
class StoreContents:
    """A whole store; `bytes` are those of every file but the manifest."""

    digest: str
    symbols: int
    pieces: int
    vocabulary_digest: str
    token_type: str
    sentencepiece_model: bool
    shards: int
    bytes: int
    languages: tuple[str, ...]
    splits: tuple[SplitContents, ...]
    corpora: tuple[CorpusContents, ...]
    provenance: Mapping[str, Any]


def contents(store: Store) -> StoreContents:
    """Count what an open store has."""
    manifest = store.manifest
    corpora = tuple(map(_corpus, manifest.corpora))
    return StoreContents(
        digest=store.digest,
        symbols=manifest.vocabulary_size,
        pieces=manifest.pieces,
        vocabulary_digest=manifest.vocabulary_digest,
        token_type=manifest.token_dtype,
        sentencepiece_model=store.has_subwords,
        shards=len(manifest.shards),
        bytes=sum(record.bytes for record in manifest.files.values()),
        languages=manifest.languages,
        splits=tuple(_split(store, name, [c for c in corpora if c.split == name]) for name in store.splits),
        corpora=corpora,
        provenance=manifest.provenance,
    )


def _corpus(record: CorpusRecord) -> CorpusContents:
    tokens = [column for column in record.columns if column.kind == "tokens"]
    return CorpusContents(
        name=record.name,
        split=record.split,
        rows=record.rows,
        languages=tuple(column.language for column in tokens),
        text=tuple(column.language for column in record.columns if column.kind == "text"),
        sentences=sum(column.sentences for column in tokens),
        tokens=sum(column.units for column in tokens),
        directions=2 * sum(count > 0 for count in record.pairs),
        provenance=record.provenance,
    )


def _split(store: Store, name: str, corpora: list[CorpusContents]) -> SplitContents:
    directions = available(store, name)
    return SplitContents(
        name=name,
        corpora=len(corpora),
        rows=sum(corpus.rows for corpus in corpora),
        languages=len({language for corpus in corpora for language in corpus.languages}),
        sentences=sum(corpus.sentences for corpus in corpora),
        tokens=sum(corpus.tokens for corpus in corpora),
        directions=len(directions),
        pairs=sum(directions.values()) // 2,
    )
