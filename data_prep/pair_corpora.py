"""One entry of the configuration, a corpus for each pair of languages that it has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from data_prep.corpus_settings import TRAIN, At, CorpusSplit, FileCorpus, PairCorpus
from data_prep.corpus_values import Options, as_list
from data_prep.pairs import ALL, LanguagePair, distinct, pairs_on_disk, parse_pair, paths_in
from mtdeep.languages import resolve

Found = Mapping[LanguagePair, object]
"""The pairs that some files are of, and what messages call each."""


def pair_corpora(
    entry: FileCorpus, at: At, known: Collection[CorpusSplit] | None = None
) -> tuple[list[PairCorpus], dict[str, str]]:
    """Return the corpora of an entry with `pairs`, by name, and what is wrong with its splits, in a sentence.

    A listed pair is in every split; of `all`, a pair is in the splits that have a file of it. *at* makes paths of what
    the entry says; *known* are the splits that there were, where files may have come since.
    """
    found: dict[str, list[tuple[Options, Found]]] = {}
    problems: dict[str, str] = {}
    names: dict[LanguagePair, object] = {}
    for split, given in entry.splits.items():
        try:
            found[split] = [(one, _found(entry, one, at)) for one in as_list(given)]
            distinct([*names.items(), *_named(found[split])])
            names |= dict(_named(found[split]))
        except ValueError as error:
            problems[split] = str(error)
    corpora = [_corpus(entry, pair, found, known) for pair in distinct(names.items())]
    return [corpus for corpus in corpora if corpus.splits], problems


def _named(found: list[tuple[Options, Found]]) -> Iterator[tuple[LanguagePair, object]]:
    for _, pairs in found:
        yield from pairs.items()


def _found(entry: FileCorpus, given: Options, at: At) -> Found:
    if entry.pairs != ALL:
        return {parse_pair(written): written for written in entry.pairs or ()}
    found: dict[LanguagePair, object] = {}
    for pattern in paths_in(given):
        found = {**pairs_on_disk(pattern, at), **found}
    if not entry.languages:
        return found
    wanted = set(map(resolve, entry.languages))
    chosen = {pair: path for pair, path in found.items() if wanted.issuperset(pair.codes or ())}
    if not chosen:
        raise ValueError(f"none of the {len(found):,} pairs that there are files of is of `languages`; correct them")
    return chosen


def _corpus(
    entry: FileCorpus,
    pair: LanguagePair,
    found: Mapping[str, list[tuple[Options, Found]]],
    known: Collection[CorpusSplit] | None,
) -> PairCorpus:
    name = f"{entry.name}/{pair}"
    splits = {
        split: own
        for split, every in found.items()
        if known is None or (name, split) in known
        if (own := [pair.filled(given) for given, pairs in every if pair in pairs])
    }
    of_pair = {
        "name": name,
        "of": entry.name,
        "languages": [pair.source, pair.target],
        "pairs": None,
        "splits": splits,
        "holdout": pair.filled(entry.holdout) if TRAIN in splits else {},
    }
    # What the entry says was checked when it was read.
    return PairCorpus.model_construct(**{**dict(entry), **of_pair})
