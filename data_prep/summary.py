"""What a preparation made, as tables that a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from data_prep.corpus_settings import TRAIN
from data_prep.report.numbers import counted, in_words
from data_prep.report.write import notes_of, page_of
from mtdeep.corpus.corpora import Corpus
from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store import Store
from mtdeep.languages import name
from mtdeep.tables import Cell, console, fits, table_of

if TYPE_CHECKING:
    from data_prep.prepare import Prepared

_BEARABLE = 0.01
"""Share of unknown tokens of what was added above which the vocabulary does not fit."""


def print_summary(prepared: Prepared) -> None:
    """Print the account of every corpus and the sizes of every language, then where the store and its report are."""
    out = console()
    store = prepared.store
    out.print(_corpora(store, out.width), languages_table(store, out.width))
    for note in (*prepared.left_out, *notes_of(store), *_known(prepared)):
        out.print(note, markup=False, soft_wrap=True)
    made = "prepared" if prepared.added is None else "appended to"
    state = "already prepared, nothing to do" if prepared.already else made
    size = f"{counted(len(store.languages), 'language')}, {counted(len(store.vocabulary), 'symbol')}"
    out.print(f"{state}: {store.path} ({size})", soft_wrap=True)
    if page := page_of(store):
        out.print(f"report: {page}", soft_wrap=True)


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


def _corpora(store: Store, width: int) -> Table:
    corpora = {(corpus.split, corpus.name): corpus for split in store.splits for corpus in store.corpora(split)}
    rows: list[list[Cell]] = []
    for record in _prepared(store):
        account = record.provenance["account"]["rows"]
        corpus = corpora[record.split, record.name]
        sizes = account["read"], account["kept"], len(corpus.languages), directions_of(corpus)
        rows.append([record.name, record.split, *sizes, in_words(account["rejected"])])
    headers = ["corpus", "split", "read", "kept", "languages", "directions", "rejected"]
    return table_of("Rows: read = kept + rejected", headers, rows, width)


def _prepared(store: Store) -> list[CorpusRecord]:
    """The corpora that a preparation wrote: others may have been appended since."""
    return [record for record in store.manifest.corpora if "account" in record.provenance]


def languages_table(store: Store, width: int) -> Table:
    """Return a line a language: its sentences and tokens in every split, or of the scored ones together.

    The latter where a table by split would be wider than *width* characters.
    """
    title = "Sentences and tokens, by language and split"
    names = [f"{language}  {name(language)}" for language in store.languages]
    every = [(split, [split]) for split in store.splits]
    headers, rows = _by_language(store, names, every)
    if fits(headers, rows, width, name=width):
        return table_of(title, headers, rows, width)
    scored = [split for split in store.splits if split != TRAIN]
    groups = [(TRAIN, [TRAIN]), (counted(len(scored), "scored split"), scored)]
    return table_of(title, *_by_language(store, names, groups), width)


def _by_language(
    store: Store, names: Sequence[str], groups: Sequence[tuple[str, Sequence[str]]]
) -> tuple[list[str], list[list[Cell]]]:
    """Return headers and rows of a table with two columns for each group of splits."""
    rows: list[list[Cell]] = [[shown] for shown in names]
    for _, splits in groups:
        for language, row in zip(store.languages, rows, strict=True):
            corpora = [one for split in splits for one in store.corpora(split) if language in one.languages]
            row += [sum(one.sentences(language) for one in corpora), sum(one.tokens(language) for one in corpora)]
    return ["language", *(header for group, _ in groups for header in (group, "tokens"))], rows
