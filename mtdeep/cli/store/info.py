"""`mtdeep store info`: what a store has, as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mtdeep.corpus.contents import StoreContents
    from mtdeep.corpus.store import Store

SHOWN_CORPORA = 40


def info(
    store: Annotated[Path, typer.Argument(help="Corpus store.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with all corpora in full.")] = False,
) -> None:
    """Say what a store has: splits, corpora, languages, vocabulary, files, and where it came from."""
    from mtdeep.corpus.contents import contents
    from mtdeep.corpus.store import Store

    opened = Store(store)
    summary = contents(opened)
    if as_json:
        print(json.dumps(asdict(summary), ensure_ascii=False, indent=1))
        return
    from data_prep.summary import languages_table
    from mtdeep.tables import console

    out = console()
    out.print(overview(opened, summary), splits_table(summary, out.width), corpora_table(summary, out.width))
    if len(summary.corpora) > SHOWN_CORPORA:
        out.print(f"and {len(summary.corpora) - SHOWN_CORPORA:,} more; --json lists all of them")
    out.print(languages_table(opened, out.width))


def overview(store: Store, summary: StoreContents) -> Table:
    """The store as a whole."""
    from rich.table import Table

    from mtdeep.corpus.origins import ORIGIN_TAGS
    from mtdeep.corpus.vocabulary import SPECIALS

    table = Table(title=str(store.path), title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    model = "with its SentencePiece model" if summary.sentencepiece_model else "without a SentencePiece model"
    parts = [
        counted(len(SPECIALS), "special"),
        counted(summary.pieces, "piece"),
        counted(len(summary.languages), "language tag"),
        *(ORIGIN_TAGS[origin] for origin in store.vocabulary.origin_tags),
    ]
    table.add_row("vocabulary", f"{counted(summary.symbols, 'symbol')}: {', '.join(parts)}; {model}")
    table.add_row("vocabulary digest", summary.vocabulary_digest)
    table.add_row("store digest", summary.digest)
    shards = counted(summary.shards, "shard")
    table.add_row("files", f"{counted(summary.bytes, 'byte')}, {shards}, tokens as {summary.token_type}")
    for what, text in origin_rows(summary.provenance):
        table.add_row(what, text)
    return table


def origin_rows(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a person asks of how a store was made, as far as its provenance says so; `--json` has all of that."""
    steps = [provenance, *provenance.get("appended", ())]
    files = [file for step in steps for file in step.get("inputs", {}).values()]
    if files:
        grown = f", in {len(steps):,} steps" if len(steps) > 1 else ""
        size = counted(sum(file["bytes"] for file in files), "byte")
        yield "made from", f"{counted(len(files), 'input file')} of {size}{grown}"
    if "imported_from" in provenance:
        left_out = provenance.get("left_out", ())
        aside = f"; left out: {counted(len(left_out), 'file')}" if left_out else ""
        yield "made from", f"{provenance['imported_from']}{aside}"
    if "versions" in provenance:
        yield "made with", ", ".join(f"{package} {version}" for package, version in provenance["versions"].items())
    if "leakage" in provenance:
        met = sum(
            cells
            for step in steps
            for languages in step.get("in_training_text", {}).values()
            for kinds in languages.values()
            for cells in kinds.values()
        )
        became = "removed there" if provenance["leakage"] == "remove" else "left there"
        yield "test sets", f"{counted(met, 'sentence')} of them in training text" + (f", {became}" if met else "")


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def splits_table(summary: StoreContents, width: int) -> Table:
    """A line a split."""
    from mtdeep.tables import Cell, table_of

    headers = ["split", "corpora", "rows", "languages", "sentences", "tokens", "directions", "pairs"]
    rows: list[list[Cell]] = [
        [part.name, part.corpora, part.rows, part.languages, part.sentences, part.tokens, part.directions, part.pairs]
        for part in summary.splits
    ]
    return table_of("Splits", headers, rows, width)


def corpora_table(summary: StoreContents, width: int) -> Table:
    """A line a corpus, up to SHOWN_CORPORA."""
    from mtdeep.corpus.origins import HUMAN
    from mtdeep.tables import Cell, table_of

    headers = ["corpus", "split", "origin", "rows", "languages", "sentences", "tokens", "directions", "raw text"]
    rows: list[list[Cell]] = []
    for corpus in summary.corpora[:SHOWN_CORPORA]:
        names = corpus.name, corpus.split, corpus.provenance.get("origin", HUMAN)
        counts = corpus.rows, len(corpus.languages), corpus.sentences, corpus.tokens, corpus.directions
        kept = "all" if len(corpus.text) == len(corpus.languages) else f"{len(corpus.text):,}"
        rows.append([*names, *counts, kept if corpus.text else "no"])
    return table_of("Corpora", headers, rows, width)
