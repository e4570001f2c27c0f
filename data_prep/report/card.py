"""The data card: what the sentences are, where they come from and under which licence, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from data_prep.report.numbers import plain
from data_prep.report.visible import cut, visible
from mtdeep.languages import name

POLICIES = {
    "remove": "Sentences of any validation or test set, in any language, are removed from the training text.",
    "report": "Sentences of validation and test sets that stand in the training text are counted and left there.",
}
_MARKUP = re.compile(r"([\\`*_\[\]<>|#&~])")


def card(report: Mapping[str, Any]) -> str:
    """Return the card of a report (`gathered`)."""
    return "\n".join([*_head(report), *_corpora(report), *_leakage(report), *_files(report), *_how(report)]) + "\n"


def settings_yaml(report: Mapping[str, Any]) -> str:
    """Return the settings as the configuration would have them."""
    text: str = yaml.safe_dump(report["card"]["settings"], sort_keys=False, allow_unicode=True, width=110)
    return text


def _head(report: Mapping[str, Any]) -> Iterator[str]:
    totals = report["totals"]
    yield "# Data card"
    yield ""
    yield (
        f"Languages: {totals['languages']:,}. Corpora: {totals['corpora']:,}. Rows: {totals['rows']:,}. Sentences: "
        f"{totals['sentences']:,}. Tokens: {totals['tokens']:,}. Directions to train: {totals['directions']:,}."
    )
    yield ""
    yield ", ".join(f"{_text(name(code))} ({code})" for code in report["pairs"]["languages"]) + "."


def _corpora(report: Mapping[str, Any]) -> Iterator[str]:
    head = ("corpus", "split", "origin", "licence", "URL", "reader", "languages", "rows", "sentences", "tokens")
    keys = ("corpus", "split", "origin", "licence", "url", "reader", "languages", "rows", "sentences", "tokens")
    rows = ([_cell(corpus[key]) for key in keys] for corpus in report["card"]["corpora"])
    yield from ("", "## Corpora", "", *_table(head, rows))
    citations = dict.fromkeys(one for corpus in report["card"]["corpora"] for one in corpus["citations"] or ())
    if citations:
        yield from ("", "## Citations", "")
        yield from _verbatim(line for one in citations for line in one.strip().splitlines())


def _leakage(report: Mapping[str, Any]) -> Iterator[str]:
    leakage = report["leakage"]
    yield from ("", "## Leakage", "", POLICIES[leakage["policy"]])
    if not leakage["in_training_text"]:
        return
    rows = (
        [_text(scored), *(str(sum(kinds.get(kind, 0) for kinds in languages.values())) for kind in ("exact", "near"))]
        for scored, languages in leakage["in_training_text"].items()
    )
    yield from ("", *_table(("sentences of", "equal", "nearly equal"), rows))


def _files(report: Mapping[str, Any]) -> Iterator[str]:
    rows = ([_cell(file[key]) for key in ("input", "file", "bytes", "xxh3_128")] for file in report["card"]["files"])
    if report["card"]["files"]:
        yield from ("", "## Files", "", *_table(("input", "file", "bytes", "xxh3-128"), rows))


def _how(report: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## How it was prepared", "")
    yield ", ".join(f"{package} {number}" for package, number in report["card"]["versions"].items()) + "."
    yield from ("", *_verbatim(settings_yaml(report).splitlines()))


def _verbatim(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as they are: with four blanks, not in a fence, which something in them might end."""
    yield from (f"    {visible(line)}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    match value:
        case list():
            return " ".join(map(_text, value))
        case str():
            return _text(value)
    return plain(value)


def _text(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", visible(cut(text)))
