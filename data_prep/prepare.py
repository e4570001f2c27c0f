"""The run: configuration -> aligned text -> vocabulary -> store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import xxhash

from data_prep.config import Cldr, Config, ConfigFile, PlainText, load_config
from data_prep.destination import check_replaceable, place_for
from data_prep.encoding import ColumnEncoder
from data_prep.normalisation import survival
from data_prep.overlap import TrainingOverlap
from data_prep.readers.cldr import generate
from data_prep.readers.plain_text import read_aligned
from data_prep.splits import hold_out
from data_prep.table import AlignedText
from data_prep.vocabulary import train_model
from mtdeep.corpus.blocks import text_blocks
from mtdeep.corpus.manifest import MANIFEST
from mtdeep.corpus.store import Store, file_digest
from mtdeep.corpus.store_writer import StoreWriter
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.corpus.vocabulary import Vocabulary
from mtdeep.errors import UserError
from mtdeep.languages import resolve
from mtdeep.progress import ProgressReport

_REVISION = 2  # raise it when equal inputs and settings begin to give other stores


@dataclass(frozen=True)
class Prepared:
    """What a run made, or found made already."""

    store: Store
    already: bool


def prepare(config_path: Path, *, overwrite: bool = False) -> Prepared:
    """Make the store that *config_path* describes.

    A store that stands there already is left alone when it came from the same inputs and settings, and replaced only
    with *overwrite*. Raises UserError for everything in configuration or inputs that the user can mend; then nothing
    is left behind.
    """
    loaded = load_config(config_path)
    path = loaded.resolved(loaded.config.store)
    with ProgressReport() as progress:
        inputs = _inputs(loaded, progress)
        digest = _content_digest(loaded.config, inputs)
        if _is_prepared(path, digest):
            return Prepared(Store(path), already=True)
        check_replaceable(path, overwrite=overwrite)
        tables = _read(loaded, progress)
        with place_for(path, overwrite=overwrite) as place:
            _write(place, loaded, tables, {"content_digest": digest, "inputs": inputs}, progress)
    return Prepared(Store(path), already=False)


def _inputs(loaded: ConfigFile, progress: ProgressReport) -> dict[str, dict[str, object]]:
    """Return size and digest of every input file, under the path that the configuration gives."""
    files = {
        f"{corpus.name}/{split}/{language}": given
        for corpus in loaded.config.corpora
        if isinstance(corpus, PlainText)
        for split in corpus.splits
        for language, given in corpus.files(split).items()
    }
    if files:
        progress.stage("digests of the inputs", len(files))
    found: dict[str, dict[str, object]] = {}
    for name, given in files.items():
        file = loaded.resolved(given)
        found[name] = {"path": given, "bytes": file.stat().st_size, "xxh3_128": file_digest(file)}
        progress.advance(1)
    return found


@contextmanager
def _problems_at(place: str) -> Iterator[None]:
    """Put the place in the configuration before a problem that only the data showed."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{place}: {error}") from error


def _content_digest(config: Config, inputs: Mapping[str, Mapping[str, object]]) -> str:
    """Return the identity of what is to be prepared: settings, bytes of the inputs, versions that shape the result."""
    content = {
        "revision": _REVISION,
        "settings": config.model_dump(exclude={"store"}),
        "inputs": {name: record["xxh3_128"] for name, record in inputs.items()},
        "versions": _versions(),
    }
    return xxhash.xxh3_128_hexdigest(json.dumps(content, sort_keys=True).encode())


def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("babel", "sentencepiece")}


def _is_prepared(path: Path, digest: str) -> bool:
    if not (path / MANIFEST).is_file():
        return False
    try:
        return Store(path).manifest.provenance.get("content_digest") == digest
    except UserError:
        return False  # damaged or of another version: `check_replaceable` says which


def _read(loaded: ConfigFile, progress: ProgressReport) -> list[AlignedText]:
    tables: list[AlignedText] = []
    seed = loaded.config.seed
    survives = survival(loaded.config.vocabulary.normalization)
    for i, corpus in enumerate(loaded.config.corpora):
        if isinstance(corpus, Cldr):
            with _problems_at(loaded.where("corpora", i, "lines")):
                tables += _generate(corpus, seed, progress)
            continue
        for split in corpus.splits:
            progress.stage(f"read {corpus.name}, {split}")
            files = {language: loaded.resolved(given) for language, given in corpus.files(split).items()}
            table = read_aligned(corpus.name, split, files, lambda _, lines: progress.at(lines), survives)
            if split != "train" or not corpus.holdout:
                tables.append(table)
                continue
            with _problems_at(loaded.where("corpora", i, "holdout")):
                tables += hold_out(table, corpus.holdout, seed)
    return tables


def _generate(corpus: Cldr, seed: int, progress: ProgressReport) -> list[AlignedText]:
    languages = [resolve(code) for code in corpus.languages]
    current = ""

    def report(split: str, rows: int, total: int) -> None:
        nonlocal current
        if split != current:
            current = split
            progress.stage(f"generate {corpus.name}, {split}", total)
        progress.at(rows)

    return generate(corpus.name, languages, corpus.lines, seed, entities=corpus.entities, progress=report)


def _write(
    place: Path,
    loaded: ConfigFile,
    tables: Sequence[AlignedText],
    provenance: Mapping[str, object],
    progress: ProgressReport,
) -> None:
    config = loaded.config
    progress.stage("learn the vocabulary")
    with _problems_at(loaded.where("vocabulary", "size")):
        model = train_model([table for table in tables if table.split == "train"], config.vocabulary, config.seed)
    languages = tuple(dict.fromkeys(language for table in tables for language in table.languages))
    vocabulary = Vocabulary(pieces(model), languages)
    subwords = Subwords(model, vocabulary)
    progress.stage("encode", sum(table.rows * len(table.languages) for table in tables))
    overlap = TrainingOverlap(tables)
    with StoreWriter(place, vocabulary, model) as writer:
        for table in tables:
            source = overlap.watching(table) if table.split == "train" else table
            encoder = ColumnEncoder(subwords, source, progress.advance)
            columns = {language: encoder.column(language) for language in table.languages}
            text = None
            if table.split != "train":
                text = {language: text_blocks(table.column(language)) for language in table.languages}
            # The encoder's counts are whole once the writer has read the columns, before the manifest is written.
            record = {
                **table.provenance,
                "account": asdict(table.account),
                "unknown_tokens": encoder.unknown,
            }
            writer.add_corpus(table.name, table.split, columns, text=text, provenance=record)
        made = {"settings": config.model_dump(exclude={"store"}), "versions": _versions()}
        writer.finish({**provenance, **made, "in_training_text": overlap.counts()})
