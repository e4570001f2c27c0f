"""`mtdeep prepare`: raw corpora in, a store out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer


def prepare(
    config: Annotated[Path, typer.Argument(help="YAML file that names the corpora, the vocabulary and the store.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a store that was made from other inputs or settings.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add what the configuration has beside all that the store was made from.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes on this machine; default: one a core.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A dask scheduler, such as tcp://host:8786, in their place.")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Only show what each rule would remove of each corpus's first N rows."),
    ] = None,
) -> None:
    """Read and clean corpora, learn one vocabulary, and write a store that training reads.

    A run that was stopped goes on where it was.
    """
    from data_prep.engine.pool import cluster, local
    from data_prep.prepare import prepare as run
    from data_prep.preview import print_preview
    from data_prep.summary import print_summary

    if sample is not None:
        print_preview(config, sample)
        return
    with cluster(scheduler) if scheduler else nullcontext(local(workers)) as hands:
        prepared = run(config, hands, overwrite=overwrite, append=append)
    print_summary(prepared)
