"""The report of a leak check on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table

from data_prep.leak_check.report import LanguageReport, Report, Sample
from mtdeep.languages import name
from mtdeep.tables import Cell, console, table_of

_SHOWN = 160  # characters of a sample


def print_report(report: Report) -> None:
    """Print a table of the languages of every test set in which something was found, samples, and what is unsaid."""
    out = console()

    def write(line: str) -> None:
        out.print(line, markup=False, soft_wrap=True)

    found = {
        test: {language: one for language, one in languages.items() if one.exact + one.near}
        for test, languages in report.tests.items()
    }
    if report.leaks:
        out.print(_table(found, out.width))
    for test, leaked in found.items():
        for language, one in leaked.items():
            for sample in one.samples:
                for line in _sample(test, language, sample):
                    write(line)
    for test, languages in report.tests.items():
        for line in _notes(report, test, languages):
            write(line)
    for corpus, reasons in report.training.rejected.items():
        if reasons:
            write(f"{corpus}: could not be read and was not searched: {_reasons(reasons)}")
    write(_verdict(report))


def _table(found: Mapping[str, Mapping[str, LanguageReport]], width: int) -> Table:
    rows: list[list[Cell]] = []
    for test, languages in found.items():
        for language, one in languages.items():
            where = ", ".join(f"{corpus}: {n['exact']:,} + {n['near']:,}" for corpus, n in one.training.items())
            rows.append([test, f"{language}  {name(language)}", one.sentences, one.exact, one.short, one.near, where])
    headers = ["test set", "language", "sentences", "exact", "of these short", "near", "by training corpus"]
    return table_of("Sentences of test sets that are in training text", headers, rows, width)


def _sample(test: str, language: str, sample: Sample) -> Iterator[str]:
    """Yield the lines of a sample."""
    code = "" if sample.language == language else f", {sample.language}"
    place = f"{sample.corpus} row {sample.row:,}{code}"
    yield f"{test}, {language}: {sample.kind}, similarity {sample.similarity:.2f}, {place}"
    yield f"  test     {_cut(sample.test)}"
    yield f"  training {_cut(sample.training)}"


def _notes(report: Report, test: str, languages: Mapping[str, LanguageReport]) -> Iterator[str]:
    """Yield what a reader of the table would not know."""
    clean = sum(not (one.exact + one.near) for one in languages.values() if one.searched)
    if clean:
        yield f"{test}: nothing found in {clean} language{'s' if clean > 1 else ''} searched"
    if others := [f"{code} in {', '.join(one.codes)}" for code, one in languages.items() if {*one.codes} - {code}]:
        yield f"{test}: searched for under other codes of the same language: {'; '.join(others)}"
    if absent := [language for language, one in languages.items() if not one.searched]:
        yield f"{test}: not searched for, since training text has no such language: {', '.join(absent)}"
    if unchecked := {language: one.unchecked for language, one in languages.items() if one.unchecked}:
        counts = ", ".join(f"{count:,} of {language}" for language, count in unchecked.items())
        yield f"{test}: short sentences with unknown tokens, which cannot be searched for: {counts}"
    if report.rejected[test]:
        yield f"{test}: could not be read: {_reasons(report.rejected[test])}"


def _verdict(report: Report) -> str:
    searched = sum(n["sentences"] for languages in report.training.counts.values() for n in languages.values())
    unchecked = sum(n["unchecked"] for languages in report.training.counts.values() for n in languages.values())
    how = "exact and near" if report.near else "exact alone"
    aside = f", {unchecked:,} short ones with unknown tokens left aside" if unchecked else ""
    return f"sentences of test sets found: {report.leaks:,}, in {searched:,} training sentences ({how}{aside})"


def _reasons(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
