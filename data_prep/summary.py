"""What a preparation made, as tables that a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from data_prep.report.notes import in_words
from data_prep.report.numbers import counted
from data_prep.report.write import notes_of, page_of
from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store import Store
from mtdeep.languages import name

if TYPE_CHECKING:
    from data_prep.prepare import Prepared

_WIDTH_OF_A_LOG = 120
_BEARABLE = 0.01
"""Share of unknown tokens of what was added above which the vocabulary does not fit."""


def print_summary(prepared: Prepared) -> None:
    """Print the account of every corpus and the sizes of every language, then where the store and its report are."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_LOG)
    store = prepared.store
    console.print(_corpora(store))
    console.print(languages_table(store))
    for note in (*notes_of(store), *_known(prepared)):
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    made = "prepared" if prepared.added is None else "appended to"
    state = "already prepared, nothing to do" if prepared.already else made
    size = f"{counted(len(store.languages), 'language')}, {counted(len(store.vocabulary), 'symbol')}"
    console.print(f"{state}: {store.path} ({size})", highlight=False, soft_wrap=True)
    if page := page_of(store):
        console.print(f"report: {page}", highlight=False, soft_wrap=True)


def _known(prepared: Prepared) -> Iterator[str]:
    """Yield how well the vocabulary of a store knows each language that was added, which it was not learned from."""
    for language, sizes in (prepared.added or {}).items():
        share = sizes.unknown / max(1, sizes.tokens)
        yield (
            f"added, {language}: {counted(sizes.sentences, 'sentence')}, {share:.2%} of the tokens unknown to "
            f"the store's vocabulary, {sizes.characters / max(1, sizes.tokens):.1f} characters a token"
            + (" (warning: --overwrite learns a vocabulary that knows them)" if share > _BEARABLE else "")
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
    corpora = {(corpus.split, corpus.name): corpus for split in store.splits for corpus in store.corpora(split)}
    for record in _prepared(store):
        rows = record.provenance["account"]["rows"]
        corpus = corpora[record.split, record.name]
        table.add_row(
            record.name,
            record.split,
            f"{rows['read']:,}",
            f"{rows['kept']:,}",
            f"{len(corpus.languages)}",
            f"{directions_of(corpus):,}",
            in_words(rows["rejected"]),
        )
    return table


def _prepared(store: Store) -> list[CorpusRecord]:
    """The corpora that a preparation wrote: others may have been appended since."""
    return [record for record in store.manifest.corpora if "account" in record.provenance]


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
