"""`mtdeep store info`: what a store has, as tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mtdeep.corpus.contents import StoreContents

SHOWN_CORPORA = 40
WIDTH_OF_A_LOG = 140


def info(
    store: Annotated[Path, typer.Argument(help="Corpus store.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with all corpora in full.")] = False,
) -> None:
    """Say what a store has: splits, corpora, languages, vocabulary, files, and where it came from."""
    from mtdeep.corpus.contents import contents
    from mtdeep.corpus.store import Store

    opened = Store(store)
    found = contents(opened)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=1))
        return
    from rich.console import Console

    from data_prep.summary import languages_table

    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_LOG, highlight=False)
    console.print(overview(store, found), splits_table(found), corpora_table(found))
    if len(found.corpora) > SHOWN_CORPORA:
        console.print(f"and {len(found.corpora) - SHOWN_CORPORA:,} corpora more; --json lists all of them")
    console.print(languages_table(opened))


def overview(store: Path, found: StoreContents) -> Table:
    """The store as a whole."""
    from rich.table import Table

    table = Table(title=str(store), title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    tags = len(found.languages)
    model = "with its SentencePiece model" if found.sentencepiece_model else "without a SentencePiece model"
    table.add_row("vocabulary", f"{found.symbols:,} symbols: {found.pieces:,} pieces, {tags:,} language tags; {model}")
    table.add_row("vocabulary digest", found.vocabulary_digest)
    table.add_row("store digest", found.digest)
    table.add_row("files", f"{found.bytes:,} bytes, {found.shards:,} shards, tokens as {found.token_type}")
    for key, value in found.provenance.items():
        table.add_row(key, shortened(value))
    return table


def shortened(value: Any) -> str:
    """A value of the provenance on a line: how many entries it has, where it has entries in entries, or many."""
    if isinstance(value, Mapping):
        few = len(value) <= 4 and not any(isinstance(entry, (Mapping, list)) for entry in value.values())
        return ", ".join(f"{key} {entry}" for key, entry in value.items()) if few else f"{len(value):,} entries"
    return f"{len(value):,} entries" if isinstance(value, list) else str(value)


def splits_table(found: StoreContents) -> Table:
    """A line a split."""
    table = _table("Splits", "split", "corpora", "rows", "languages", "sentences", "tokens", "directions", "pairs")
    for split in found.splits:
        numbers = [split.corpora, split.rows, split.languages, split.sentences, split.tokens]
        table.add_row(split.name, *(f"{number:,}" for number in [*numbers, split.directions, split.pairs]))
    return table


def corpora_table(found: StoreContents) -> Table:
    """A line a corpus, up to SHOWN_CORPORA."""
    table = _table("Corpora", "corpus", "split", "rows", "languages", "sentences", "tokens", "directions", "raw text")
    for corpus in found.corpora[:SHOWN_CORPORA]:
        numbers = [corpus.rows, len(corpus.languages), corpus.sentences, corpus.tokens, corpus.directions]
        kept = "all" if len(corpus.text) == len(corpus.languages) else f"{len(corpus.text):,}"
        table.add_row(corpus.name, corpus.split, *(f"{number:,}" for number in numbers), kept if corpus.text else "no")
    return table


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in ("split", "corpus", "raw text") else "right")
    return table
