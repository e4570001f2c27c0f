"""The run: configuration in, store out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xxhash

from data_prep.config import Config
from data_prep.config_file import ConfigFile, load_config
from data_prep.destination import check_replaceable, place_for
from data_prep.engine.pool import Pool, Workers
from data_prep.pipeline.cleaned import check_rules, cleaned
from data_prep.pipeline.encoded import encoded
from data_prep.pipeline.held_out import held_out
from data_prep.pipeline.selected import selected, without_leaks
from data_prep.pipeline.texts import Run
from data_prep.pipeline.vocabulary import check_given, vocabulary_of
from data_prep.report.gathered import gathered
from data_prep.report.write import add_report
from mtdeep.corpus.manifest import MANIFEST
from mtdeep.corpus.store import Store, file_digest
from mtdeep.corpus.store_writer import StoreWriter
from mtdeep.durable import refusals_told
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

_REVISION = 4  # raise it when equal inputs and settings begin to give other stores


@dataclass(frozen=True)
class Prepared:
    """What a run made, or found made already."""

    store: Store
    already: bool


def prepare(config_path: Path, workers: Workers, *, overwrite: bool = False) -> Prepared:
    """Make the store that *config_path* describes; *workers* work on it (`engine.pool`).

    A store that stands there already is left alone when it came from the same inputs and settings, and replaced only
    with *overwrite*. A run that was stopped goes on where it was, in the configuration's `work` folder or, without one,
    beside the store, where nothing is left in the end. Raises UserError for everything in configuration, inputs and
    disks that the user can mend.
    """
    loaded = load_config(config_path)
    config = loaded.config
    path, work = _places(loaded)
    check_rules(loaded)
    check_given(loaded)
    with ProgressReport() as progress, refusals_told(path):
        digests, inputs = _inputs(loaded, progress)
        digest = _content_digest(config, inputs)
        if _is_prepared(path, digest):
            return Prepared(Store(path), already=True)
        check_replaceable(path, overwrite=overwrite)
        with place_for(path, overwrite=overwrite) as place, Pool(work, workers, progress) as pool:
            _write(place, Run(loaded, digests, pool), work, {"content_digest": digest, "inputs": inputs}, progress)
        if not config.work:
            shutil.rmtree(work, ignore_errors=True)
    return Prepared(Store(path), already=False)


def _write(place: Path, run: Run, work: Path, provenance: Mapping[str, Any], progress: ProgressReport) -> None:
    texts, leaked = without_leaks(run, held_out(run, cleaned(run)))
    texts = selected(run, texts)
    learned = vocabulary_of(run, work, texts)
    found = encoded(run, texts, learned)
    progress.stage("write the store", len(found))
    with StoreWriter(place, learned.vocabulary, learned.model.read_bytes()) as writer:
        records = []
        for text in found:
            records.append(text.add_to(writer))
            progress.advance(1)
        config = run.loaded.config
        settings = config.model_dump(mode="json", exclude={"store", "work"}, exclude_unset=True)
        made = {"settings": settings, "versions": _versions(), "leakage": config.leakage, "in_training_text": leaked}
        provenance = {**provenance, **made}
        progress.stage("write the report")
        add_report(writer, gathered(found, records, learned.vocabulary, config, provenance))
        writer.finish(provenance)


def _inputs(loaded: ConfigFile, progress: ProgressReport) -> tuple[dict[Path, str], dict[str, dict[str, object]]]:
    """Return the digest of every input file, and what the store says of it, by a name of its own."""
    files = dict(_files(loaded))
    if files:
        progress.stage("digests of the inputs", len(files))
    digests: dict[Path, str] = {}
    records: dict[str, dict[str, object]] = {}
    for name, file in files.items():
        try:
            digests[file] = digests.get(file) or file_digest(file)
            records[name] = {"file": file.name, "bytes": file.stat().st_size, "xxh3_128": digests[file]}
        except OSError as error:
            problem = f"{file}: cannot be read ({error.strerror}); correct the path or its permissions"
            raise UserError(problem) from error
        progress.advance(1)
    return digests, records


def _files(loaded: ConfigFile) -> Iterator[tuple[str, Path]]:
    config = loaded.config
    for corpus in config.corpora:
        for split in corpus.split_names:
            name = f"{corpus.name}/{split}"
            if split not in corpus.holdout:
                sources = corpus.sources(split, loaded.resolved, config.seed)
                files = [file for source in sources for file in source.inputs]
                yield from ((f"{name}/{number}", file) for number, file in enumerate(files))
            elif isinstance(how := corpus.holdout[split], str):
                yield f"{name}/ids", loaded.resolved(how)
    if config.vocabulary.model:
        yield "vocabulary/model", loaded.resolved(config.vocabulary.model)


def _places(loaded: ConfigFile) -> tuple[Path, Path]:
    """Return where the store will stand and where work is done. Raises UserError where neither can be."""
    config = loaded.config
    store = loaded.resolved(config.store)
    if store.name in ("", ".."):
        raise UserError(f"{loaded.where('store')}: {store} is no place for a new folder; give one with a name")
    if config.work is None:
        return store, store.with_name(f".{store.name}.mtdeep-work")
    work = loaded.resolved(config.work)
    if Path(os.path.realpath(work)).is_relative_to(os.path.realpath(store)):
        where = loaded.where("work")
        raise UserError(f"{where}: {work} lies in the place of the store, which is replaced as a whole; give another")
    return store, work


def _content_digest(config: Config, inputs: Mapping[str, Mapping[str, object]]) -> str:
    """Return the identity of what is to be prepared: settings, bytes of the inputs, versions that shape the result."""
    content = {
        "revision": _REVISION,
        "settings": config.model_dump(mode="json", exclude={"store", "work"}),
        "inputs": {name: record["xxh3_128"] for name, record in inputs.items()},
        "versions": _versions(),
    }
    return xxhash.xxh3_128_hexdigest(json.dumps(content, sort_keys=True).encode())


def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("babel", "sentencepiece", "py3langid", "rensa")}


def _is_prepared(path: Path, digest: str) -> bool:
    if not (path / MANIFEST).is_file():
        return False
    try:
        return Store(path).manifest.provenance.get("content_digest") == digest
    except UserError:
        return False  # damaged or of another version: `check_replaceable` says which
