"""What a store was made from, step by step: settings, bytes of the inputs, versions; and whether that is so still.

The manifest's provenance is the first step, and under "appended" it has those by which the store grew. A step says
`settings` (what the configuration says), `defaults` (the value of all that it does not), `inputs` (the files that no
step before had, and all of a split that none had), `versions` (of the libraries that decided), `revisions` (of the
code's steps), `content_digest` (of all of this, with every input), and how much of what is scored it found in training
text (`in_training_text`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import xxhash
from pydantic import ValidationError

from data_prep.config import SHAPES_NOTHING, Config
from data_prep.config_file import ConfigFile
from data_prep.corpus_settings import CorpusSplit
from data_prep.differences import difference, recorded_of, revised, splits_of
from data_prep.growth import Growth, change, growth, new_languages
from data_prep.pipeline import deciding
from data_prep.pipeline.selected import summed
from mtdeep.corpus.store import Store, file_digest
from mtdeep.errors import UserError
from mtdeep.languages import resolve
from mtdeep.progress import ProgressReport

_VOCABULARY = "vocabulary."


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
        splits = {split for one in known for split in splits_of(one.inputs)}
        inputs = {
            name: self.inputs[name]
            for _, name, file in self.loaded.files()
            if file not in files or not splits.issuperset(splits_of([name]))
        }
        config = self.loaded.config
        settings = config.model_dump(mode="json", exclude=set(SHAPES_NOTHING), exclude_unset=True)
        made = {"settings": settings, "leakage": config.leakage}
        return {"content_digest": self.digest, "inputs": inputs, **made, **self.decided}


@dataclass(frozen=True)
class History:
    """The steps that made a store, and what a configuration adds to the last, which may be nothing.

    now: the configuration, which goes on with the store's vocabulary where it says nothing of it. revised: in words,
    all of the code's steps and tables that were others when it made the store, None where they are the same.
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
    for loaded, record in zip(made, records, strict=True):
        one = identify(loaded, progress, now.digests)
        plain = one.plain(steps)
        if what := difference(plain, record):
            raise other(store, what)
        steps.append(one)
    _check_codes(store, made[-1], now.loaded)
    other_code = revised([one.decided for one in steps], records)
    return History(store, steps, now, growth(made[-1], now.loaded), other_code)


def _check_codes(store: Store, before: ConfigFile, now: ConfigFile) -> None:
    """Raise UserError for text to be added whose language a store has under a code that meant it once: `no-NO`.

    Under today's code the language would get a second tag, and the two would be strangers to a model.
    """
    for (corpus, split), code in new_languages(before, now):
        if (stored := resolve(code, store.languages)) != code:
            raise UserError(
                f"{now.path}: split {split!r} of corpus {corpus!r} has text in {code}, which {store.path} has as "
                f"{stored}, as an earlier version of mtdeep wrote it; leave that text out, or give --overwrite, which "
                f"prepares the store again with {code}"
            )


def _configurations(records: Iterable[Mapping[str, Any]], now: ConfigFile) -> list[ConfigFile]:
    """Return those of the steps, each with the splits that it knew: files of more pairs may have come since."""
    known: set[CorpusSplit] = set()
    found = []
    for record in records:
        config = Config.model_validate({**record["settings"], "store": now.config.store})
        known |= splits_of(record["inputs"])
        found.append(_with_defaults(replace(now, config=config, lines={}, known=frozenset(known)), record))
    return found


def _with_defaults(loaded: ConfigFile, record: Mapping[str, Any]) -> ConfigFile:
    """Return a configuration that says of its vocabulary what a step did not say: the store's model holds it."""
    vocabulary = loaded.config.vocabulary
    if vocabulary.model is not None:
        return loaded
    meant = {key.removeprefix(_VOCABULARY): value for key, value in recorded_of(record, "defaults").items()
             if key.startswith(_VOCABULARY) and value is not None}  # fmt: skip
    both = {**meant, **vocabulary.model_dump(mode="json", exclude_unset=True)}
    changed = {"vocabulary": type(vocabulary).model_validate(both)}
    return replace(loaded, config=loaded.config.model_copy(update=changed))


def other(store: Store, what: str, *, appending: str = "") -> UserError:
    """Return what to tell of a store that a configuration, its inputs or the code would make otherwise.

    appending: what `--append` would do, where that may go on.
    """
    append = f"--append to {appending}, " if appending else ""
    return UserError(
        f"{store.path}: holds a store made from other inputs or settings: {what}; give {append}--overwrite to replace "
        "it, or another place for the store"
    )


def _digest(file: Path) -> str:
    try:
        return file_digest(file)
    except OSError as error:
        problem = f"{file}: cannot be read ({error.strerror}); correct the path or its permissions"
        raise UserError(problem) from error
