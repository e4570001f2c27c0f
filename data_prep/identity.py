"""What a store was made from, step by step: settings, bytes of the inputs, versions; and whether that is so still.

The manifest's provenance is the first step, and under "appended" it has those by which the store grew. A step says
`settings` (the whole configuration), `inputs` (the files that no step before had), `versions`, `content_digest` (of all
settings, all inputs, versions), and how much of what is scored it found in training text (`in_training_text`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xxhash
from pydantic import ValidationError

from data_prep.config import Config
from data_prep.config_file import ConfigFile
from data_prep.growth import Growth, change, growth
from data_prep.pipeline.selected import summed
from mtdeep.corpus.store import Store, file_digest
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

_REVISION = 5  # raise it when equal inputs and settings begin to give other stores


@dataclass(frozen=True)
class Identity:
    """A configuration, the digests of its input files, and what a store says of these, by names of their own."""

    loaded: ConfigFile
    digests: Mapping[Path, str]
    inputs: Mapping[str, Mapping[str, Any]]

    @property
    def digest(self) -> str:
        """Return the digest of settings, bytes of the inputs, and versions that shape the result."""
        content = {
            "revision": _REVISION,
            "settings": self.loaded.config.model_dump(mode="json", exclude={"store", "work"}),
            "inputs": {name: record["xxh3_128"] for name, record in self.inputs.items()},
            "versions": _versions(),
        }
        return xxhash.xxh3_128_hexdigest(json.dumps(content, sort_keys=True).encode())

    def plain(self, known: Sequence[Identity] = ()) -> dict[str, Any]:
        """Return what the manifest says of it; *known* are the steps before, whose inputs are not named again."""
        files = {file for one in known for file in one.digests}
        inputs = {name: self.inputs[name] for name, file in _files(self.loaded) if file not in files}
        config = self.loaded.config
        settings = config.model_dump(mode="json", exclude={"store", "work"}, exclude_unset=True)
        made = {"settings": settings, "versions": _versions(), "leakage": config.leakage}
        return {"content_digest": self.digest, "inputs": inputs, **made}


@dataclass(frozen=True)
class History:
    """The steps that made a store, and what a configuration adds to the last."""

    store: Store
    steps: Sequence[Identity]
    growth: Growth


def identify(loaded: ConfigFile, progress: ProgressReport, known: Mapping[Path, str] | None = None) -> Identity:
    """Read the input files of a configuration, but those whose digests are *known*.

    Raises UserError where one is gone.
    """
    known = known or {}
    files = list(_files(loaded))
    if unread := [file for _, file in files if file not in known]:
        progress.stage("digests of the inputs", len(unread))
    digests: dict[Path, str] = {}
    records: dict[str, dict[str, object]] = {}
    for name, file in files:
        if file not in digests:
            digests[file] = known.get(file) or _digest(file)
        records[name] = {"file": file.name, "bytes": file.stat().st_size, "xxh3_128": digests[file]}
        if file not in known:
            progress.advance(1)
    return Identity(loaded, digests, records)


def recorded(provenance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the steps by which preparations made a store; what other programs have appended is none."""
    return [step for step in (provenance, *provenance.get("appended", ())) if "content_digest" in step]


def together(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the steps say of the store as a whole, its inputs as a list of names and files."""
    steps = recorded(provenance)
    return {
        "inputs": [{"input": name, **file} for step in steps for name, file in step["inputs"].items()],
        "versions": steps[-1]["versions"] if steps else {},
        "leakage": provenance["leakage"],
        "in_training_text": summed(*(step["in_training_text"] for step in steps)),
    }


def history(store: Store, now: Identity, progress: ProgressReport) -> History:
    """Return how a store was made and what a configuration adds to it.

    Raises UserError, which says what, when the configuration, an input or a version would change what is there.
    """
    provenance = store.manifest.provenance
    records = recorded(provenance)
    if not records or "content_digest" not in provenance:
        raise _other(store, "`mtdeep prepare` did not make it")
    if len(records) <= len(provenance.get("appended", ())):
        raise _other(store, "something else than `mtdeep prepare` has appended to it")
    steps: list[Identity] = []
    for record in records:
        try:
            config = Config.model_validate({**record["settings"], "store": now.loaded.config.store})
        except ValidationError:
            raise _other(store, "another version of mtdeep made it") from None
        loaded = replace(now.loaded, config=config)
        if record is records[-1] and (what := change(loaded, now.loaded)):
            raise _other(store, what)
        one = identify(loaded, progress, now.digests)
        if one.digest != record["content_digest"]:
            raise _other(store, _difference(one.plain(steps), record))
        steps.append(one)
    added = growth(steps[-1].loaded, now.loaded)
    if not (added.splits or added.wider):
        raise _other(store, "its corpora stand in another order, or `deduplication.memory` is another")
    return History(store, steps, added)


def _difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return in words why a step would not give again what it has given."""
    for name, file in before["inputs"].items():
        if now["inputs"].get(name) != file:
            return f"{name} ({file['file']}) has other bytes"
    for name, file in now["inputs"].items():
        if name not in before["inputs"]:
            return f"{name} ({file['file']}) was not there"
    for package, number in before["versions"].items():
        if now["versions"].get(package) != number:
            return f"{package} was {number} and is {now['versions'].get(package)}"
    return "another version of mtdeep made it"


def _other(store: Store, what: str) -> UserError:
    return UserError(
        f"{store.path}: holds a store made from other inputs or settings: {what}; give --overwrite to replace it, "
        "or another place for the store"
    )


def _digest(file: Path) -> str:
    try:
        return file_digest(file)
    except OSError as error:
        problem = f"{file}: cannot be read ({error.strerror}); correct the path or its permissions"
        raise UserError(problem) from error


def _files(loaded: ConfigFile) -> Iterator[tuple[str, Path]]:
    config = loaded.config
    for _, corpus in loaded.corpora:
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


def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("babel", "sentencepiece", "py3langid", "rensa")}
