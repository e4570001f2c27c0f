"""`mtdeep store import-fairseq`: a store from what fairseq-preprocess wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mtdeep.corpus.databin_import import Imported


def import_fairseq(
    databin: Annotated[Path, typer.Argument(help="Folder with SPLIT.SRC-TGT.LANG.bin and .idx, and dict.LANG.txt.")],
    store: Annotated[Path, typer.Argument(help="Corpus store to write.")],
    sentencepiece_model: Annotated[
        Path | None, typer.Option(help="The .model file that made the data-bin's pieces.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the store that is there.")] = False,
) -> None:
    """Write a store of all directions of a data-bin whose languages share one dictionary."""
    from data_prep.destination import place_for
    from mtdeep.corpus.databin_import import import_databin
    from mtdeep.durable import refusals_told
    from mtdeep.progress import ProgressReport

    with (
        ProgressReport() as progress,
        refusals_told(store, kept="nothing of the new store is left, and what was there before is as it was"),
        place_for(store, overwrite=overwrite) as place,
    ):
        imported = import_databin(databin, place, sentencepiece_model=sentencepiece_model, progress=progress.show)
    report(store, imported, with_model=sentencepiece_model is not None)


def report(store: Path, imported: Imported, *, with_model: bool) -> None:
    """Print what was imported, and what deserves a look."""
    from mtdeep.languages import name

    languages = ", ".join(f"{spelt} is {name(code)} ({code})" for spelt, code in imported.languages.items())
    typer.echo(f"languages: {languages}")
    for file, reason in imported.left_out.items():
        typer.echo(f"left out: {file} ({reason})")
    if imported.gaps:
        typer.echo(f"rows with an empty side, which no direction has: {imported.gaps:,}")
    if imported.unknown_pieces:
        typer.echo(f"pieces of the model that the dictionary lacks, which become <unk>: {imported.unknown_pieces:,}")
    if not with_model:
        typer.echo("without --sentencepiece-model the store cannot turn text into ids or back")
    counts = ", ".join(f"{pairs:,} in {split}" for split, pairs in imported.pairs.items())
    typer.echo(f"imported: {store} (sentence pairs: {counts})")
