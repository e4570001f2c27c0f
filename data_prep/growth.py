"""What a configuration has that the one before it had not, and what of the old text it would change."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_prep.config import SHAPES_NOTHING, Config
from data_prep.config_file import ConfigFile
from data_prep.corpus_settings import TRAIN, AnyCorpus, CorpusSplit, MtdataCorpus, SplitCorpus
from data_prep.corpus_values import as_list
from mtdeep.errors import shortened
from mtdeep.languages import resolve

Languages = Sequence[frozenset[str]]
"""Those of each source of a split."""
_SHOWN = 60
"""Characters of a value that a sentence shows."""
_NAMED = 3
"""Of many splits, how many a sentence names."""


@dataclass(frozen=True)
class Growth:
    """Corpora and splits: *splits* that are read and were not, and *wider* ones, whose sources have got languages."""

    splits: frozenset[CorpusSplit]
    wider: frozenset[CorpusSplit]

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.splits or self.wider)

    def __str__(self) -> str:
        """Return it in words, of many the first."""
        kinds = ("split", self.splits), ("further languages of split", self.wider)
        said = [f"{kind} {split!r} of corpus {corpus!r}" for kind, of in kinds for corpus, split in sorted(of)]
        return shortened(said, _NAMED)


def growth(before: ConfigFile, now: ConfigFile) -> Growth:
    """Return what was added, where `change` finds nothing."""
    old, new = _languages(before), _languages(now)
    wider = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    return Growth(frozenset(new.keys() - old.keys()), frozenset(wider))


def new_languages(before: ConfigFile, now: ConfigFile) -> Iterator[tuple[CorpusSplit, str]]:
    """Yield the languages of which text is added, with the split that it comes to."""
    old = _languages(before)
    for name, sources in _languages(now).items():
        had = frozenset[str]().union(*old.get(name, ()))
        yield from ((name, code) for code in sorted(frozenset[str]().union(*sources) - had))


def change(before: ConfigFile, now: ConfigFile) -> str | None:
    """Return in words the first thing that would change what was prepared before, None where all of it stays.

    Corpora may be added, splits that are read, languages of splits, and settings of cleaning that speak of new corpora
    and languages alone. What shapes nothing may change: `deduplication.memory`, another way to name the same pairs.
    """
    return next(_changes(before, now), None)


def _changes(before: ConfigFile, now: ConfigFile) -> Iterator[str]:
    yield from _differences(_settings(before.config), _settings(now.config))
    entries, others = ([corpus.name for corpus in one.config.corpora] for one in (before, now))
    # Before the files are looked at, which may be gone with their entry.
    yield from (f"corpus {name!r} is there no more" for name in entries if name not in others)
    had, has = _languages(before), _languages(now)
    told, tells = (_cleaning(one.config, entries, had) for one in (before, now))
    yield from _differences(told, tells, ("cleaning",))
    splits = _splits(now)
    for name, old in _splits(before).items():
        of = f" of corpus {name[0]!r}"
        new = splits.get(name)
        if new is None:
            yield f"split {name[1]!r}{of} is there no more"
            continue
        was, is_now = (corpus.model_dump(mode="json", exclude=_may_grow(old)) for corpus in (old, new))
        yield from _differences(was, is_now, of=of)
        if name in had and not _is_as_before(name[1], (old, had[name]), (new, has.get(name, ()))):
            yield f"`splits.{name[1]}`{of} reads something else (other files may be added as a corpus of their own)"
    order = dict.fromkeys(corpus.name for _, corpus in before.corpora)
    if list(order) != list(dict.fromkeys(corpus.name for _, corpus in now.corpora if corpus.name in order)):
        yield "its corpora stand in another order"


def _may_grow(corpus: AnyCorpus) -> set[str]:
    """Return the keys that may say more than they did; `holdout` does with the split that it takes from."""
    if not isinstance(corpus, SplitCorpus):
        return {"languages"}
    return {"languages", "splits"} | (set() if TRAIN in corpus.splits else {"holdout"})


def _is_as_before(split: str, before: tuple[AnyCorpus, Languages], now: tuple[AnyCorpus, Languages]) -> bool:
    """Tell whether a split is read as it was, or from sources that have got languages."""
    (old, had), (new, has) = before, now
    if had == has:
        both = [as_list(one.splits[split]) for one in (old, new) if isinstance(one, SplitCorpus)]
        return all(one == both[0] for one in both)
    if isinstance(old, MtdataCorpus):  # other languages are other ids
        return False
    return len(had) == len(has) and all(one <= other for one, other in zip(had, has, strict=True))


def _settings(config: Config) -> dict[str, Any]:
    """Return what concerns every corpus, as plain data."""
    found = config.model_dump(mode="json", exclude={*SHAPES_NOTHING, "corpora", "cleaning"})
    del found["deduplication"]["memory"]
    return found


def _cleaning(config: Config, corpora: Collection[str], sources: Mapping[CorpusSplit, Languages]) -> dict[str, Any]:
    """Return what cleaning is told that may concern old *corpora*, which have these *sources*."""
    every = {codes for of_split in sources.values() for codes in of_split}
    said = config.cleaning.model_dump(mode="json", exclude_unset=True)
    levels = {"corpora": lambda key: key in corpora, "languages": lambda key: any(key in codes for codes in every),
              "pairs": lambda key: frozenset(map(resolve, key.split("-"))) in every}  # fmt: skip
    for kind, concerns in levels.items():
        said[kind] = {key: level for key, level in said.get(kind, {}).items() if concerns(key)}
    return said


def _splits(loaded: ConfigFile) -> dict[CorpusSplit, AnyCorpus]:
    return {(corpus.name, split): corpus for _, corpus in loaded.corpora for split in corpus.split_names}


def _languages(loaded: ConfigFile) -> dict[CorpusSplit, Languages]:
    """Return those of the splits that are read."""
    found: dict[CorpusSplit, list[frozenset[str]]] = {}
    for corpus, split, languages in loaded.languages():
        found.setdefault((corpus.name, split), []).append(frozenset(languages))
    return dict(found)


def _differences(before: Any, now: Any, place: tuple[str, ...] = (), of: str = "") -> Iterator[str]:
    """Yield where plain data differ, and how."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(before.get(key), now.get(key), (*place, key), of)
    elif before != now:
        yield f"`{'.'.join(place)}`{of} was {shown(before)} and is {shown(now)}"


def shown(value: Any) -> str:
    """Return a value as a sentence has it."""
    text = "not said" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
