"""What `mtdeep probe --use` takes, and what it prints: whether a trained model uses its depth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mtdeep.errors import UserError

if TYPE_CHECKING:
    from mtdeep.probe.use import Use

OF_NEW_MODELS = ("schemes", "depths", "width", "config", "steps", "lr", "warmup", "depth_rates", "precision")
"""Options of models that are not trained, and of updates."""


def check_use(context: typer.Context, checkpoints: Sequence[Path], store: Path | None) -> None:
    """Raise UserError for options that are missing, or have no meaning, where depth that is used is asked for."""
    given = [name for name in OF_NEW_MODELS if _is_given(context, name)]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(f"--use: it looks at trained models and makes no updates; leave out {options}.")
    if not checkpoints:
        raise UserError("--use: it looks at trained models; give --checkpoint FILE.")
    if store is None:
        raise UserError("--use: of made-up sentences no model has learnt anything; give --store too.")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"  # by name: click's, or the copy that newer typers bring


def show_use(use: Use) -> None:
    """Print a table of all branches, a sentence on each whole, and the files."""
    from rich.console import Console
    from rich.table import Table

    from mtdeep.probe.use.table import COLUMNS, LEGEND, rows, sentences

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    table = Table(pad_edge=False, box=None)
    for number, title in enumerate(COLUMNS):
        table.add_column(title, justify="left" if number < 3 else "right", no_wrap=number < 3)
    for record in use.records:
        for row in rows(record):
            table.add_row(*row)
    console.print(table)
    console.print(LEGEND, soft_wrap=True)
    for record in use.records:
        console.print()
        console.print(f"{record['name']}:", *sentences(record), sep="\n  ", markup=False, soft_wrap=True)
    console.print()
    console.print("Files:", *map(str, use.files), sep="\n  ", markup=False, soft_wrap=True)
