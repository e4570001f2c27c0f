"""`manifest.json` of a store: its classes, how they become JSON, and every check that needs no token.

    {"format": "mtdeep-store", "version": 1,
     "vocabulary": {"size", "pieces", "digest"},  "languages": [code, ...],  "token_dtype": "uint8|uint16|uint32",
     "files":   {relative path: {"bytes", "xxh3_128"}},                 every file but the manifest
     "corpora": [{"name", "split", "rows", "provenance",
                  "columns": [{"language", "kind": "tokens|text", "sentences", "units", "segments": [segment, ...]}],
                  "pairs":   [count, ...]}],
     "totals":  {"corpora", "sentences", "tokens"},  "provenance": {...}}

A segment is {"shard", "first_row", "rows", "sentences", "units", "data", "offsets"}: `rows` consecutive rows of a
column from `first_row` on, of which `sentences` are not gaps; `units` tokens (or bytes of text); `data` and `offsets`
are byte positions in the shard file (`store.py` says what stands there). `pairs` counts the rows that two languages
share, for the upper triangle of the token columns in their order: (0,1), (0,2), ..., (1,2), ... Of `dict.txt` the first
bytes count, as many as "files" says: it is longer when a writer was killed between the dictionary and the manifest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mtdeep.errors import UserError

FORMAT, VERSION = "mtdeep-store", 1
MANIFEST, DICTIONARY, SUBWORD_MODEL, SHARDS = "manifest.json", "dict.txt", "sentencepiece.model", "shards"
REPORT = "report"
"""Folder of what people read of a store; there may be none."""
SHARD_HEADER = b"MTDSHARD" + VERSION.to_bytes(8, "little")
Kind = Literal["tokens", "text"]
_SHARD = re.compile(rf"{SHARDS}/(\d{{6,}})\.bin")
REBUILD = "prepare the store again, or restore the file from a copy"


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive rows of one column in one shard."""

    shard: int
    first_row: int
    rows: int
    sentences: int
    units: int
    data: int
    offsets: int


@dataclass(frozen=True, slots=True)
class Column:
    """One language of a corpus, as token ids or as raw text."""

    language: str
    kind: Kind
    sentences: int
    units: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class CorpusRecord:
    """Rows aligned over languages."""

    name: str
    split: str
    rows: int
    columns: tuple[Column, ...]
    pairs: tuple[int, ...]
    provenance: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size and digest of one file."""

    bytes: int
    xxh3_128: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is known of a store without reading a token."""

    vocabulary_size: int
    pieces: int
    vocabulary_digest: str
    languages: tuple[str, ...]
    token_dtype: str
    files: Mapping[str, FileRecord]
    corpora: tuple[CorpusRecord, ...]
    provenance: Mapping[str, Any]

    @property
    def shards(self) -> list[int]:
        """Numbers of the shards, ascending."""
        return sorted(int(match[1]) for match in map(_SHARD.fullmatch, self.files) if match)

    def dump(self) -> bytes:
        """The JSON text; the same manifest always gives the same bytes."""
        sizes = {"size": self.vocabulary_size, "pieces": self.pieces, "digest": self.vocabulary_digest}
        document = {
            "format": FORMAT,
            "version": VERSION,
            "vocabulary": sizes,
            "languages": self.languages,
            "token_dtype": self.token_dtype,
            "files": {path: asdict(record) for path, record in sorted(self.files.items())},
            "corpora": [asdict(record) for record in self.corpora],
            "totals": totals(self.corpora),
            "provenance": self.provenance,
        }
        return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def shard_path(number: int) -> str:
    """Path of a shard, relative to the store."""
    return f"{SHARDS}/{number:06d}.bin"


def unnamed_shards(store: Path, manifest: Manifest) -> list[str]:
    """Shards in the folder of a store that its manifest does not name: what a killed writer left.

    Paths are relative to the store.
    """
    there = sorted(f"{SHARDS}/{path.name}" for path in (store / SHARDS).iterdir())
    return [name for name in there if _SHARD.fullmatch(name) and name not in manifest.files]


def totals(corpora: tuple[CorpusRecord, ...]) -> dict[str, int]:
    """Corpora, and sentences and tokens over all token columns."""
    columns = [column for record in corpora for column in record.columns if column.kind == "tokens"]
    return {
        "corpora": len(corpora),
        "sentences": sum(column.sentences for column in columns),
        "tokens": sum(column.units for column in columns),
    }


def read_manifest(store: Path) -> Manifest:
    """Read and check `manifest.json`.

    Raises `UserError`: no store, another format version, damaged JSON, counts that do not add up.
    """
    path = store / MANIFEST
    document = _load(store, path)
    try:
        manifest = _parse(document)
        claimed = document["totals"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: damaged, missing or malformed entry {error}; {REBUILD}") from None
    problem = _miscount(manifest, claimed)
    if problem:
        raise UserError(f"{path}: counts do not add up: {problem}; {REBUILD}")
    return manifest


def wrong_size(store: Path, name: str, record: FileRecord) -> str | None:
    """What is wrong with a file that the manifest names, as far as its size tells; None when all is well.

    The dictionary may be longer: a writer that was killed while it appended a language has left a tag behind it.
    """
    path = store / name
    try:
        size = path.stat().st_size
    except OSError:
        return f"{path}: missing, the manifest lists it with {record.bytes} bytes; {REBUILD}"
    if size == record.bytes or (size > record.bytes and name == DICTIONARY):
        return None
    what = "truncated" if size < record.bytes else "longer than it was written"
    return f"{path}: {what}, expected {record.bytes} bytes and found {size}; {REBUILD}"


def _load(store: Path, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        if any(store.glob("dict.*.txt")):
            raise UserError(
                f"{store}: not a store but a data-bin of fairseq; make a store of it with `mtdeep store import-fairseq`"
            ) from None
        what = "it has no manifest.json" if store.is_dir() else "there is no such directory"
        raise UserError(f"{store}: not a store, {what}; make one with `mtdeep prepare`") from None
    except NotADirectoryError:
        raise UserError(f"{store}: not a store but a file; make a store with `mtdeep prepare`") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged, not JSON ({error}); {REBUILD}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UserError(f'{path}: not the manifest of a store ("format" is not "{FORMAT}"); give a store of mtdeep')
    if document.get("version") != VERSION:
        version = document.get("version")
        raise UserError(
            f"{path}: store format version {version!r}, this mtdeep reads version {VERSION}; "
            "prepare the store again with this mtdeep, or use the mtdeep that wrote it"
        )
    return document


def _parse(document: dict[str, Any]) -> Manifest:
    vocabulary = document["vocabulary"]
    return Manifest(
        vocabulary_size=int(vocabulary["size"]),
        pieces=int(vocabulary["pieces"]),
        vocabulary_digest=str(vocabulary["digest"]),
        languages=tuple(document["languages"]),
        token_dtype=str(document["token_dtype"]),
        files={path: FileRecord(**record) for path, record in document["files"].items()},
        corpora=tuple(_parse_corpus(record) for record in document["corpora"]),
        provenance=document["provenance"],
    )


def _parse_corpus(record: dict[str, Any]) -> CorpusRecord:
    columns = tuple(
        Column(**{**column, "segments": tuple(Segment(**segment) for segment in column["segments"])})
        for column in record["columns"]
    )
    return CorpusRecord(**{**record, "columns": columns, "pairs": tuple(record["pairs"])})


def _miscount(manifest: Manifest, claimed: Mapping[str, int]) -> str | None:
    """The first thing that does not add up, or None."""
    if claimed != totals(manifest.corpora):
        return f"totals say {dict(claimed)}, the corpora sum to {totals(manifest.corpora)}"
    itemsizes = {"uint8": 1, "uint16": 2, "uint32": 4}
    if manifest.token_dtype not in itemsizes:
        return f"token_dtype is {manifest.token_dtype!r}"
    names = [(record.split, record.name) for record in manifest.corpora]
    if len(set(names)) != len(names):
        return "two corpora of a split have one name"
    for record in manifest.corpora:
        problem = _miscount_corpus(manifest, record, itemsizes[manifest.token_dtype])
        if problem:
            return f"corpus {record.name!r} of split {record.split!r}: {problem}"
    return None


def _miscount_corpus(manifest: Manifest, record: CorpusRecord, itemsize: int) -> str | None:
    tokens = [column for column in record.columns if column.kind == "tokens"]
    if len(record.pairs) != len(tokens) * (len(tokens) - 1) // 2:
        return f"{len(record.pairs)} pair counts for {len(tokens)} languages"
    present = [column.sentences for column in tokens]
    bounds = (min(a, b) for i, a in enumerate(present) for b in present[i + 1 :])
    if any(not 0 <= pair <= bound for pair, bound in zip(record.pairs, bounds, strict=True)):
        return "a pair of languages shares more rows than one of them has"
    for column in record.columns:
        problem = _miscount_column(manifest, record, column, itemsize if column.kind == "tokens" else 1)
        if problem:
            return f"{column.kind} of {column.language!r}: {problem}"
    return None


def _miscount_column(manifest: Manifest, record: CorpusRecord, column: Column, itemsize: int) -> str | None:
    if column.language not in manifest.languages or column.kind not in ("tokens", "text"):
        return "the store has no such language or kind"
    row = sentences = units = 0
    for segment in column.segments:
        if segment.first_row != row or not 0 <= segment.sentences <= segment.rows:
            return f"segment at row {segment.first_row} does not follow row {row}"
        shard = manifest.files.get(shard_path(segment.shard))
        ends = (segment.data + segment.units * itemsize, segment.offsets + (segment.rows + 1) * 4)
        if shard is None or min(segment.data, segment.offsets, segment.units) < 0 or max(ends) > shard.bytes:
            return f"segment at row {segment.first_row} lies outside {shard_path(segment.shard)}"
        row += segment.rows
        sentences += segment.sentences
        units += segment.units
    if (row, sentences, units) != (record.rows, column.sentences, column.units):
        return (
            f"{column.sentences} sentences and {column.units} units in {record.rows} rows, "
            f"its segments have {sentences}, {units} and {row}"
        )
    return None
