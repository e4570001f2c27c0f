"""What of a store is worth a look: lost sentences and languages, unknown tokens, sentences trained on and scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data_prep.account import account_of, unknown_tokens
from mtdeep.corpus.manifest import CorpusRecord


def notes(records: Sequence[CorpusRecord], provenance: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences about the corpora of a manifest and its provenance (`identity.together`)."""
    for record in records:
        lost: Counter[str] = Counter()
        languages = account_of(record)["languages"]
        for counts in languages.values():
            lost.update(counts["rejected"])
        if lost:
            yield f"sentences lost, {record.name}, {record.split}: {in_words(dict(lost.most_common()))}"
        if gone := [code for code, counts in languages.items() if counts["read"] and not counts["kept"]]:
            yield f"no sentence left, {record.name}, {record.split}: {', '.join(gone)}"
    unknown: Counter[str] = Counter()
    for record in records:
        unknown.update(unknown_tokens(record))
    if unknown:
        yield f"unknown tokens: {_by_language(unknown)}"
    removed = provenance["leakage"] == "remove"
    for scored, languages in provenance["in_training_text"].items():
        cells = {language: sum(kinds.values()) for language, kinds in languages.items()}
        what = "removed from training" if removed else "warning: in the training text"
        yield f"{what}, sentences of {scored}: {_by_language(cells)}"


def in_words(rejected: Mapping[str, int]) -> str:
    """Return the counts of reasons as one line."""
    return ", ".join(f"{count:,} {reason}" for reason, count in rejected.items()) or "none"


def _by_language(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} of {language}" for language, count in counts.items())
