"""Everything that can be wrong with a store: its files against their digests, its manifest against its shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from mtdeep.corpus.manifest import (
    DICTIONARY,
    MANIFEST,
    REBUILD,
    Column,
    CorpusRecord,
    FileRecord,
    Manifest,
    Segment,
    read_manifest,
    shard_path,
    wrong_size,
)
from mtdeep.corpus.shared_rows import PresenceBits, pair_counts
from mtdeep.corpus.store import ShardMaps, file_digest, read_vocabulary
from mtdeep.corpus.vocabulary import SPECIALS, UNK
from mtdeep.errors import UserError

_ROWS = 1 << 16
_OFFSET = np.dtype("<u4")
Progress = Callable[[str, int, int], None]


def damages(store: Path, progress: Progress | None = None) -> Iterator[str]:
    """Yield a sentence with file and remedy for each damage of a store.

    Reads every byte twice: every file against its size and digest; then every column whose shards are whole, its
    offsets, ids (pieces of the vocabulary) or text (UTF-8), sentences, and the rows that each two languages share,
    against the manifest. *progress* hears what is read, how much of it is done, and how much there is. Raises
    `UserError` when no manifest can be read: then there is nothing to compare with.
    """
    manifest = read_manifest(store)
    damaged: set[str] = set()
    done, total = 0, sum(record.bytes for record in manifest.files.values())
    for name, record in sorted(manifest.files.items()):
        if damage := _file_damage(store, name, record):
            damaged.add(name)
            yield damage
        done += record.bytes
        if progress is not None:
            progress("bytes of files read", done, total)
    if DICTIONARY not in damaged:
        try:
            read_vocabulary(store, manifest)
        except UserError as error:
            yield str(error)
    checker = _Checker(store, manifest, ShardMaps(store))
    for number, corpus in enumerate(manifest.corpora, start=1):
        yield from checker.corpus(corpus, damaged)
        if progress is not None:
            progress("corpora checked", number, len(manifest.corpora))


def _file_damage(store: Path, name: str, record: FileRecord) -> str | None:
    path = store / name
    if problem := wrong_size(store, name, record):
        return problem
    found = file_digest(path, record.bytes)
    if found != record.xxh3_128:
        return f"{path}: damaged, its digest is {found}, the manifest has {record.xxh3_128}; {REBUILD}"
    return None


@dataclass(frozen=True)
class _Checker:
    """Compares what a manifest says of corpora with what the shards hold."""

    store: Path
    manifest: Manifest
    maps: ShardMaps

    def corpus(self, record: CorpusRecord, damaged: set[str]) -> Iterator[str]:
        """Yield damages; columns with a shard among *damaged* files are passed over, as the file was told."""
        where = f"corpus {record.name!r} of split {record.split!r}"
        languages = [column.language for column in record.columns if column.kind == "tokens"]
        presence: dict[str, np.ndarray] = {}
        for column in record.columns:
            if damaged & {shard_path(segment.shard) for segment in column.segments}:
                continue
            bits = PresenceBits()
            found = [
                f"{self.store / shard_path(segment.shard)}: {where}, {column.kind} of {column.language!r}: {problem}; "
                f"{REBUILD}"
                for segment in column.segments
                if (problem := self._segment(column, segment, bits))
            ]
            yield from found
            if column.kind == "tokens" and not found:
                presence[column.language] = bits.packed()
        said = dict(zip(combinations(languages, 2), record.pairs, strict=True))
        for pair, shared in zip(combinations(presence, 2), pair_counts(list(presence.values())), strict=True):
            if said[pair] != shared:
                yield (
                    f"{self.store / MANIFEST}: {where}: {pair[0]!r} and {pair[1]!r} are said to share {said[pair]} "
                    f"rows, and share {shared}; {REBUILD}"
                )

    def _segment(self, column: Column, segment: Segment, bits: PresenceBits) -> str | None:
        """What is wrong with a segment, or None; its presence goes to *bits*."""
        offsets = self.maps.view(segment.shard, segment.offsets, segment.rows + 1, _OFFSET).astype(np.int64)
        lengths = np.diff(offsets)
        if offsets[0] != 0 or offsets[-1] != segment.units or (lengths < 0).any():
            return f"the offsets from row {segment.first_row} on do not add up to {segment.units} units"
        sentences = int(np.count_nonzero(lengths))
        if sentences != segment.sentences:
            return f"from row {segment.first_row} on are {sentences} sentences, the manifest has {segment.sentences}"
        bits.append(lengths > 0)
        dtype = np.dtype(self.manifest.token_dtype if column.kind == "tokens" else np.uint8).newbyteorder("<")
        units = self.maps.view(segment.shard, segment.data, segment.units, dtype)
        for row in range(0, segment.rows, _ROWS):
            starts = offsets[row : row + _ROWS + 1]
            part = units[starts[0] : starts[-1]]
            wrong = self._no_piece(part) if column.kind == "tokens" else _no_text(part, starts[:-1] - starts[0])
            if wrong is not None:
                at, what = wrong
                sentence = row + int(np.searchsorted(starts[1:] - starts[0], at, side="right"))
                return f"row {segment.first_row + sentence} has {what}"
        return None

    def _no_piece(self, ids: np.ndarray) -> tuple[int, str] | None:
        """Where the first id stands that is neither a piece nor `<unk>`, and what it is."""
        wrong = np.flatnonzero((ids < UNK) | (ids >= len(SPECIALS) + self.manifest.pieces))
        return (int(wrong[0]), f"id {ids[wrong[0]]}, which is no piece of the vocabulary") if len(wrong) else None


def _no_text(data: np.ndarray, starts: np.ndarray) -> tuple[int, str] | None:
    """Where bytes are not UTF-8, or a sentence, from one of *starts* on, begins within a character."""
    try:
        data.tobytes().decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start, "bytes that are not UTF-8"
    begins = starts[starts < len(data)]
    wrong = np.flatnonzero(data[begins] & 0b1100_0000 == 0b1000_0000)
    return (int(begins[wrong[0]]), "a character that is cut in two") if len(wrong) else None
