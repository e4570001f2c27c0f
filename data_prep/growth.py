"""What a configuration has that the one before it had not, and what of the old text it would change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.config import Config
from data_prep.config_file import ConfigFile
from data_prep.corpus_settings import AnyCorpus, SplitCorpus
from mtdeep.languages import resolve

Name = tuple[str, str]
_SHOWN = 60
"""Characters of a value that a sentence shows."""


@dataclass(frozen=True)
class Growth:
    """Corpora and splits: *splits* that are read and were not, and *wider* ones, whose sources have got languages."""

    splits: frozenset[Name]
    wider: frozenset[Name]

    def __str__(self) -> str:
        """Return it in words."""
        kinds = ("split", self.splits), ("further languages of split", self.wider)
        return ", ".join(f"{kind} {split!r} of corpus {corpus!r}" for kind, of in kinds for corpus, split in sorted(of))


def growth(before: ConfigFile, now: ConfigFile) -> Growth:
    """Return what was added, where `change` finds nothing."""
    old, new = _read(before), _read(now)
    wider = {name for name in old.keys() & new.keys() if _languages(old[name], name) != _languages(new[name], name)}
    return Growth(frozenset(new.keys() - old.keys()), frozenset(wider))


def change(before: ConfigFile, now: ConfigFile) -> str | None:
    """Return in words the first thing that would change what was prepared before, None where all of it stays.

    Corpora may be added, splits that are read, languages of splits, and settings of cleaning that speak of new corpora
    and languages alone. What needs no memory of its own, `deduplication.memory`, may change.
    """
    return next(_changes(before, now), None)


def _changes(before: ConfigFile, now: ConfigFile) -> Iterator[str]:
    yield from _differences(_settings(before.config), _settings(now.config))
    corpora = {corpus.name for corpus in before.config.corpora}
    languages = {code for name, corpus in _read(before).items() for codes in _languages(corpus, name) for code in codes}
    had, has = (_cleaning(one.config, corpora, languages) for one in (before, now))
    yield from _differences(had, has, ("cleaning",))
    entries = _entries(now)
    for name, old in _entries(before).items():
        of = f" of corpus {name[0]!r}"
        new = entries.get(name)
        if new is None:
            yield f"split {name[1]!r}{of} is there no more"
            continue
        own = {"languages", "splits"} if isinstance(old, SplitCorpus) else {"languages"}
        was, is_now = (corpus.model_dump(mode="json", exclude=own) for corpus in (old, new))
        yield from _differences(was, is_now, of=of)
        if name[1] not in old.holdout and not _is_as_before(old, new, name):
            yield f"`splits.{name[1]}`{of} reads something else (other files may be added as a corpus of their own)"


def _is_as_before(old: AnyCorpus, new: AnyCorpus, name: Name) -> bool:
    """Tell whether a split is read as it was, or from sources that have got languages."""
    had, has = _languages(old, name), _languages(new, name)
    if had == has:
        return not isinstance(old, SplitCorpus) or old.splits[name[1]] == new.splits[name[1]]  # type: ignore[union-attr]
    return len(had) == len(has) and all(one <= other for one, other in zip(had, has, strict=True))


def _settings(config: Config) -> dict[str, Any]:
    """Return what concerns every corpus, as plain data."""
    found = config.model_dump(mode="json", exclude={"store", "work", "corpora", "cleaning"})
    del found["deduplication"]["memory"]
    return found


def _cleaning(config: Config, corpora: set[str], languages: set[str]) -> dict[str, Any]:
    """Return what cleaning is told that may concern old corpora."""
    said = config.cleaning.model_dump(mode="json", exclude_unset=True)
    levels = {"corpora": lambda key: key in corpora, "languages": lambda key: key in languages,
              "pairs": lambda key: {resolve(code) for code in key.split("-")} <= languages}  # fmt: skip
    for kind, concerns in levels.items():
        said[kind] = {key: level for key, level in said.get(kind, {}).items() if concerns(key)}
    return said


def _entries(loaded: ConfigFile) -> dict[Name, AnyCorpus]:
    return {(corpus.name, split): corpus for _, corpus in loaded.corpora for split in corpus.split_names}


def _read(loaded: ConfigFile) -> dict[Name, AnyCorpus]:
    """Return those that are not held out of another split."""
    return {name: corpus for name, corpus in _entries(loaded).items() if name[1] not in corpus.holdout}


def _languages(corpus: AnyCorpus, name: Name) -> list[frozenset[str]]:
    """Return those of each source of a split."""
    return [frozenset(source.languages) for source in corpus.sources(name[1], Path, 0)]


def _differences(before: Any, now: Any, place: tuple[str, ...] = (), of: str = "") -> Iterator[str]:
    """Yield where plain data differ, and how."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(before.get(key), now.get(key), (*place, key), of)
    elif before != now:
        yield f"`{'.'.join(place)}`{of} was {_shown(before)} and is {_shown(now)}"


def _shown(value: Any) -> str:
    text = "not said" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
