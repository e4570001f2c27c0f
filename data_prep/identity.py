"""What a store was made from, step by step: settings, bytes of the inputs, versions; and whether that is so still.

The manifest's provenance is the first step, and under "appended" it has those by which the store grew. A step says
`settings` (what the configuration says), `defaults` (the value of all that it does not), `inputs` (the files that no
step before had, and all of a split that none had), `versions` (of the libraries that decided), `revisions` (of the
code's steps), `content_digest` (of all of this, with every input), and how much of what is scored it found in training
text (`in_training_text`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import xxhash
from pydantic import ValidationError

from data_prep.config import SHAPES_NOTHING, Config
from data_prep.config_file import ConfigFile
from data_prep.corpus_settings import CorpusSplit
from data_prep.growth import Growth, change, growth, shown
from data_prep.pipeline import deciding
from data_prep.pipeline.selected import summed
from mtdeep.corpus.store import Store, file_digest
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

_VOCABULARY = "vocabulary."
_BEFORE: Mapping[str, Mapping[str, Any]] = {
    "defaults": {"vocabulary.normalization": "nmt_nfkc"},
    "revisions": {
        **{"read": 3, "clean": 3, "hold_out": 2, "index": 4, "leaks": 4, "without_met": 4, "repeats": 2, "select": 2},
        **{"sample": 1, "learn": 2, "encode": 2, "widen": 1, "sign": 2, "near_repeats": 2},
    },
}
"""What held when manifests did not say it yet, of what is otherwise now."""


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
            "settings": self.loaded.config.model_dump(mode="json", exclude=set(SHAPES_NOTHING)),
            "inputs": {name: record["xxh3_128"] for name, record in self.inputs.items()},
            **self.decided,
        }
        return xxhash.xxh3_128_hexdigest(json.dumps(content, sort_keys=True).encode())

    @cached_property
    def decided(self) -> dict[str, dict[str, Any]]:
        """Return what decides the result beside settings and inputs."""
        return {
            "defaults": deciding.defaults(self.loaded),
            "versions": deciding.versions(self.loaded),
            "revisions": deciding.revisions(self.loaded),
        }

    def plain(self, known: Sequence[Identity] = ()) -> dict[str, Any]:
        """Return what the manifest says of it; *known* are the steps before, whose inputs are not named again."""
        files = {file for one in known for file in one.digests}
        splits = {split for one in known for split in _splits(one.inputs)}
        inputs = {
            name: self.inputs[name]
            for _, name, file in self.loaded.files()
            if file not in files or not splits.issuperset(_splits([name]))
        }
        config = self.loaded.config
        settings = config.model_dump(mode="json", exclude=set(SHAPES_NOTHING), exclude_unset=True)
        made = {"settings": settings, "leakage": config.leakage}
        return {"content_digest": self.digest, "inputs": inputs, **made, **self.decided}


@dataclass(frozen=True)
class History:
    """The steps that made a store, and what a configuration adds to the last, which may be nothing.

    now: the configuration, which goes on with the store's vocabulary where it says nothing of it. revised: in words,
    the first of the code's steps that was another when it made the store, None where all are the same.
    """

    store: Store
    steps: Sequence[Identity]
    now: Identity
    growth: Growth
    revised: str | None


def identify(loaded: ConfigFile, progress: ProgressReport, known: Mapping[Path, str] | None = None) -> Identity:
    """Read the input files of a configuration, but those whose digests are *known*.

    Raises UserError where one is gone.
    """
    known = known or {}
    files = [(name, file) for _, name, file in loaded.files()]
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
        raise other(store, "`mtdeep prepare` did not make it")
    if len(records) <= len(provenance.get("appended", ())):
        raise other(store, "something else than `mtdeep prepare` has appended to it")
    try:
        made = _configurations(records, now.loaded)
    except ValidationError as error:
        raise other(store, f"another version of mtdeep made it ({error.errors()[0]['msg']})") from None
    now = replace(now, loaded=_with_defaults(now.loaded, records[0]))
    if what := change(made[-1], now.loaded):
        raise other(store, what)
    steps: list[Identity] = []
    revised: list[str] = []
    for loaded, record in zip(made, records, strict=True):
        one = identify(loaded, progress, now.digests)
        plain = one.plain(steps)
        if what := _difference(plain, record):
            raise other(store, what)
        revised += _changes(plain, record, "revisions", "the code of its step `{}` (revision)")
        steps.append(one)
    return History(store, steps, now, growth(made[-1], now.loaded), next(iter(revised), None))


def _configurations(records: Iterable[Mapping[str, Any]], now: ConfigFile) -> list[ConfigFile]:
    """Return those of the steps, each with the splits that it knew: files of more pairs may have come since."""
    known: set[CorpusSplit] = set()
    found = []
    for record in records:
        config = Config.model_validate({**record["settings"], "store": now.config.store})
        known |= _splits(record["inputs"])
        found.append(_with_defaults(replace(now, config=config, lines={}, known=frozenset(known)), record))
    return found


def _with_defaults(loaded: ConfigFile, record: Mapping[str, Any]) -> ConfigFile:
    """Return a configuration that says of its vocabulary what a step did not say: the store's model holds it."""
    vocabulary = loaded.config.vocabulary
    if vocabulary.model is not None:
        return loaded
    meant = {key.removeprefix(_VOCABULARY): value for key, value in _of(record, "defaults").items()
             if key.startswith(_VOCABULARY) and value is not None}  # fmt: skip
    both = {**meant, **vocabulary.model_dump(mode="json", exclude_unset=True)}
    changed = {"vocabulary": type(vocabulary).model_validate(both)}
    return replace(loaded, config=loaded.config.model_copy(update=changed))


def _of(record: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return what a step says of what decided it; of a manifest that says nothing, what held then."""
    found: Mapping[str, Any] = record.get(kind, _BEFORE.get(kind, {}))
    return found


def _splits(inputs: Iterable[str]) -> set[CorpusSplit]:
    """Return the corpora and splits that the names of inputs (`ConfigFile.files`) speak of."""
    parts = (name.rsplit("/", 2) for name in inputs)
    return {(part[0], part[1]) for part in parts if len(part) == 3}


def _difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Return in words why a step would not give again what it has given, None where it would.

    What only one of the two knows is a key or a library that the other's code did not have. Revisions are another
    matter: other code may give the same.
    """
    if new := _new_files(now["inputs"], before["inputs"]):
        return new
    for name, file in before["inputs"].items():
        if name not in now["inputs"]:
            return f"{name} ({file['file']}) is there no more"
        if now["inputs"][name] != file:
            return f"{name} ({file['file']}) has other bytes"
    for name, file in now["inputs"].items():
        if name not in before["inputs"]:
            return f"{name} ({file['file']}) was not there"
    changes = (*_changes(now, before, "versions", "{}"), *_changes(now, before, "defaults", "the default of `{}`"))
    return next(iter(changes), None)


def _new_files(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return in words which files a split has got, where it has all that it had: patterns mean them now."""
    for corpus, split in sorted(_splits(before)):
        files = _of_split(now, corpus, split)
        had = [file["xxh3_128"] for file in _of_split(before, corpus, split)]
        new = [file for file in files if file["xxh3_128"] not in had]
        if new and len(files) == len(had) + len(new):
            return (
                f"split {split!r} of corpus {corpus!r} has got {new[0]['file']} (other files may be added as a corpus "
                "of their own, where its patterns do not reach)"
            )
    return ""


def _of_split(inputs: Mapping[str, Any], corpus: str, split: str) -> list[Mapping[str, Any]]:
    return [file for name, file in inputs.items() if name.rsplit("/", 1)[0] == f"{corpus}/{split}"]


def _changes(now: Mapping[str, Any], before: Mapping[str, Any], kind: str, named: str) -> Iterator[str]:
    was = _of(before, kind)
    for key in (key for key, value in now[kind].items() if key in was and was[key] != value):
        values = (value if isinstance(value, str) else shown(value) for value in (was[key], now[kind][key]))
        yield "{} was {} and is {}".format(named.format(key), *values)


def other(store: Store, what: str) -> UserError:
    """Return what to tell of a store that a configuration, its inputs or the code would make otherwise."""
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
