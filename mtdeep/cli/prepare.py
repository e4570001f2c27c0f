"""`mtdeep prepare`: raw corpora in, a store out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def prepare(
    config: Annotated[Path, typer.Argument(help="YAML file that names the corpora, the vocabulary and the store.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a store that was made from other inputs or settings.")
    ] = False,
) -> None:
    """Read corpora, learn one vocabulary, and write a store that training reads."""
    from data_prep.prepare import prepare as run
    from data_prep.summary import print_summary

    prepared = run(config, overwrite=overwrite)
    print_summary(prepared)
