"""What a preparation made, as tables that a person reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store import Store
from mtdeep.languages import name

if TYPE_CHECKING:
    from data_prep.prepare import Prepared

_WIDTH_OF_A_LOG = 120


def print_summary(prepared: Prepared) -> None:
    """Print the account of every corpus and the sizes of every language, then where the store is."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_LOG)
    store = prepared.store
    console.print(_corpora(store))
    console.print(languages_table(store))
    for note in _notes(store):
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    state = "already prepared, nothing to do" if prepared.already else "prepared"
    console.print(
        f"{state}: {store.path} ({len(store.languages)} languages, {len(store.vocabulary):,} symbols)",
        highlight=False,
        soft_wrap=True,
    )


def directions_of(corpus: Corpus) -> int:
    """Return how many directions have at least one pair of sentences in *corpus*."""
    languages = corpus.languages
    return sum(corpus.count(s, t) > 0 for s in languages for t in languages if s != t)


def _corpora(store: Store) -> Table:
    table = Table(title="Rows: read = kept + rejected", title_justify="left")
    for column in ("corpus", "split"):
        table.add_column(column)
    for column in ("read", "kept", "languages", "directions"):
        table.add_column(column, justify="right")
    table.add_column("rejected")
    for record in _prepared(store):
        rows = record.provenance["account"]["rows"]
        corpus = next(c for c in store.corpora(record.split) if c.name == record.name)
        table.add_row(
            record.name,
            record.split,
            f"{rows['read']:,}",
            f"{rows['kept']:,}",
            f"{len(corpus.languages)}",
            f"{directions_of(corpus):,}",
            _reasons(rows["rejected"]),
        )
    return table


def _notes(store: Store) -> Iterator[str]:
    """Yield what is worth a look: sentences that were lost, unknown tokens, test sentences that were trained on."""
    for record in _prepared(store):
        lost: Counter[str] = Counter()
        for counts in record.provenance["account"]["languages"].values():
            lost.update(counts["rejected"])
        if lost:
            yield f"sentences lost, {record.name}, {record.split}: {_reasons(dict(lost.most_common()))}"
    unknown: Counter[str] = Counter()
    for record in _prepared(store):
        unknown.update(record.provenance["unknown_tokens"])
    if unknown:
        yield f"unknown tokens: {_by_language(unknown)}"
    removed = store.manifest.provenance["leakage"] == "remove"
    for scored, languages in store.manifest.provenance["in_training_text"].items():
        cells = {language: sum(kinds.values()) for language, kinds in languages.items()}
        what = "removed from training" if removed else "warning: in the training text"
        yield f"{what}, sentences of {scored}: {_by_language(cells)}"


def _prepared(store: Store) -> list[CorpusRecord]:
    """The corpora that a preparation wrote: others may have been appended since."""
    return [record for record in store.manifest.corpora if "account" in record.provenance]


def _by_language(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} of {language}" for language, count in counts.items())


def _reasons(rejected: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in rejected.items()) or "none"


def languages_table(store: Store) -> Table:
    """A line a language: its sentences and tokens in every split."""
    table = Table(title="Sentences and tokens, by language and split", title_justify="left")
    table.add_column("language")
    for split in store.splits:
        table.add_column(split, justify="right")
        table.add_column("tokens", justify="right")
    for language in store.languages:
        cells = []
        for split in store.splits:
            corpora = [corpus for corpus in store.corpora(split) if language in corpus.languages]
            cells.append(f"{sum(corpus.sentences(language) for corpus in corpora):,}")
            cells.append(f"{sum(corpus.tokens(language) for corpus in corpora):,}")
        table.add_row(f"{language}  {name(language)}", *cells)
    return table
