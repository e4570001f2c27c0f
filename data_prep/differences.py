"""What a step of a store says of what decided it, beside what the same configuration says now: differences in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from data_prep.corpus_settings import CorpusSplit
from data_prep.engine.libraries import TABLES
from data_prep.growth import shown

_BEFORE: Mapping[str, Mapping[str, Any]] = {
    "defaults": {"vocabulary.normalization": "nmt_nfkc"},
    "revisions": {
        **{"read": 3, "clean": 3, "hold_out": 2, "index": 4, "leaks": 4, "without_met": 4, "repeats": 2, "select": 2},
        **{"sample": 1, "learn": 2, "encode": 2, "widen": 1, "sign": 2, "near_repeats": 2},
    },
}
"""What held when manifests did not say it yet, of what is otherwise now."""
_ONCE_DEFAULT: Mapping[str, Any] = {
    "cleaning.language.min": 0.05,
    "xliff.refused_states": ["new", "needs-translation", "initial"],
}
"""Further defaults of that time. They came with the revisions of that time: text that they leave alone is the same."""
_OF_TABLES = "the language tables (.tsv and constants of mtdeep and data_prep, by their digest)"


def recorded_of(record: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return what a step says of what decided it; of a manifest that says nothing, what held then."""
    found: Mapping[str, Any] = record.get(kind, _BEFORE.get(kind, {}))
    return found


def splits_of(inputs: Iterable[str]) -> set[CorpusSplit]:
    """Return the corpora and splits that the names of inputs (`ConfigFile.files`) speak of."""
    parts = (name.rsplit("/", 2) for name in inputs)
    return {(part[0], part[1]) for part in parts if len(part) == 3}


def difference(now: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Return in words why a step would not give again what it has given, None where it would.

    What only one of the two knows is a key or a library that the other's code did not have. Revisions and tables are
    another matter (`revised`).
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
    libraries = {name: version for name, version in now["versions"].items() if name != TABLES}
    changes = (
        *_changes(libraries, before["versions"], "{}"),
        *_changes(now["defaults"], recorded_of(before, "defaults"), "the default of `{}`"),
    )
    return next(iter(changes), None)


def revised(now: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> str | None:
    """Return in words all of the code's steps and tables that were others, None where none was.

    *now*, *before*: what decides and decided each step of the store. Other code and other tables may give the same,
    which nobody knows before they have.
    """
    revisions: dict[str, None] = {}
    further: dict[str, None] = {}
    for one, record in zip(now, before, strict=True):
        was = recorded_of(record, "revisions")
        steps = (step for step, revision in one["revisions"].items() if was.get(step, revision) != revision)
        revisions |= dict.fromkeys(f"`{step}` {one['revisions'][step]}, was {was[step]}" for step in steps)
        tables = {name: version for name, version in one["versions"].items() if name == TABLES}
        further |= dict.fromkeys(_changes(tables, record["versions"], _OF_TABLES, was="were", are="are"))
        if "defaults" not in record:
            further |= dict.fromkeys(_changes(one["defaults"], _ONCE_DEFAULT, "the default of `{}`"))
    code = [f"the code of its steps has other revisions ({'; '.join(revisions)})"] if revisions else []
    return ", ".join([*code, *further]) or None


def _new_files(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return in words which files a split has got, where it has all that it had: patterns mean them now."""
    for corpus, split in sorted(splits_of(before)):
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


def _changes(
    now: Mapping[str, Any], before: Mapping[str, Any], named: str, *, was: str = "was", are: str = "is"
) -> Iterator[str]:
    for key in (key for key, value in now.items() if key in before and before[key] != value):
        old, new = (value if isinstance(value, str) else shown(value) for value in (before[key], now[key]))
        yield f"{named.format(key)} {was} {old} and {are} {new}"
