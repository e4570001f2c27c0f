"""Files that a pattern takes beside what was meant: read for training and scored, or twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_prep.corpus_settings import TRAIN, AnyCorpus, CorpusSplit, FileCorpus
from data_prep.corpus_values import is_all
from data_prep.file_patterns import has_wildcard
from data_prep.readers.source import Source


def is_by_pattern(corpus: AnyCorpus, split: str) -> bool:
    """Tell whether the files of a split are looked for, not named."""
    if not isinstance(corpus, FileCorpus):
        return False
    return is_all(corpus.languages) or any(map(has_wildcard, _texts(corpus.splits[split])))


def read_twice(
    sources: Mapping[CorpusSplit, Sequence[Source]], by_pattern: frozenset[CorpusSplit]
) -> Iterator[tuple[CorpusSplit, str]]:
    """Yield the splits *by_pattern* that have a file of another kind of split, or a source twice, and what to tell.

    Files that are named one by one may be: somebody has said so.
    """
    readers: dict[Path, dict[CorpusSplit, None]] = {}
    for name, every in sources.items():
        for source in every:
            for path in source.inputs:
                readers.setdefault(path, {})[name] = None
    told = set()
    for path, names in readers.items():
        trained = [name for name in names if name[1] == TRAIN]
        scored = [name for name in names if name[1] != TRAIN]
        pair = (trained[0], scored[0]) if trained and scored else None
        if pair and pair not in told and by_pattern.intersection(names):
            told.add(pair)
            own = next(name for name in names if name in by_pattern)
            (of, _), (other, split) = pair
            yield own, f"{path} is read for split 'train' of {of!r} and for {split!r} of {other!r}; narrow the pattern"
    for name in sorted(by_pattern & sources.keys()):
        if again := _again(sources[name]):
            yield name, f"{again.inputs[0]} is read twice for split {name[1]!r}; leave it out, or narrow the pattern"


def _again(sources: Sequence[Source]) -> Source | None:
    """Return the first source that is equal to one before; of one file different columns may be read."""
    seen: dict[tuple[Path, ...], list[Source]] = {}
    for source in sources:
        before = seen.setdefault(tuple(source.inputs), [])
        if source in before:
            return source
        before.append(source)
    return None


def _texts(given: Any) -> Iterator[str]:
    match given:
        case str():
            yield given
        case Mapping():
            for value in given.values():
                yield from _texts(value)
        case list():
            for value in given:
                yield from _texts(value)
