"""`mtdeep store verify`: every byte of a store against what its manifest says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(store: Annotated[Path, typer.Argument(help="Corpus store.")]) -> None:
    """Read all of a store and print a sentence for each damage (then exit code 1), or that there is none."""
    from mtdeep.corpus.manifest import read_manifest, totals, unnamed_shards
    from mtdeep.corpus.verification import damages
    from mtdeep.progress import ProgressReport

    manifest = read_manifest(store)
    with ProgressReport() as progress:
        found = list(damages(store, progress.show))
    for damage in found:
        typer.echo(f"wrong: {damage}")
    for name in unnamed_shards(store, manifest):
        typer.echo(f"{store / name}: no part of the store, left by a writer that was killed; the next one removes it")
    if found:
        raise typer.Exit(1)
    counts = totals(manifest.corpora)
    size = sum(record.bytes for record in manifest.files.values())
    sentences = f"{counts['sentences']:,} sentences in {counts['corpora']:,} corpora"
    typer.echo(f"{store}: OK, {len(manifest.files):,} files of {size:,} bytes, {sentences}")
