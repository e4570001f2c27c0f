"""Files that a pattern takes beside what was meant: read for training and scored, or twice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_prep.corpus_settings import TRAIN, AnyCorpus, CorpusSplit, FileCorpus
from data_prep.corpus_values import is_all
from data_prep.file_patterns import has_wildcard
from data_prep.many_files import resolved
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

    Files that are named one by one may be: somebody has said so. A link is the file that it leads to.
    """
    readers: dict[str, dict[CorpusSplit, None]] = {}
    shown: dict[str, Path] = {}
    for name, every in sources.items():
        for source in every:
            for path in source.inputs:
                real = os.path.realpath(path)
                readers.setdefault(real, {})[name] = None
                shown.setdefault(real, path)
    told = set()
    for real, names in readers.items():
        trained = [name for name in names if name[1] == TRAIN]
        scored = [name for name in names if name[1] != TRAIN]
        pair = (trained[0], scored[0]) if trained and scored else None
        if pair and pair not in told and by_pattern.intersection(names):
            told.add(pair)
            own = next(name for name in names if name in by_pattern)
            (of, _), (other, split) = pair
            what = f"{shown[real]} is read for split 'train' of {of!r} and for {split!r} of {other!r}"
            yield own, f"{what}; narrow the pattern"
    for name in sorted(by_pattern & sources.keys()):
        if again := _again(sources[name]):
            yield name, f"{again.inputs[0]} is read twice for split {name[1]!r}; leave it out, or narrow the pattern"


def _again(sources: Sequence[Source]) -> Source | None:
    """Return the first source that is equal to one before; of one file different columns may be read."""
    seen: dict[tuple[Path, ...], list[Source]] = {}
    for source in sources:
        real = resolved(source)
        before = seen.setdefault(tuple(real.inputs), [])
        if real in before:
            return source
        before.append(real)
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
