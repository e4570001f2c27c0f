"""`mtdeep export-databin`: fairseq's own data-bin, for its stock tasks, from a corpus store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

_LOG_SECONDS = 5.0


def export_databin(
    store: Annotated[Path, typer.Argument(help="Corpus store written by `mtdeep prepare`.")],
    out: Annotated[Path, typer.Argument(help="Directory for the data-bin; made if need be.")],
    directions: Annotated[
        str, typer.Option(help="all, centric:CODE, a comma list en-de,de-en, or a file with one direction a line.")
    ],
    splits: Annotated[str, typer.Option(help="Comma list of splits.")] = "train,valid,test",
) -> None:
    """Write fairseq's data-bin (MMIDIDX and dict.LANG.txt) for chosen directions of a store."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    from mtdeep.corpus.databin import one_way, write_databin
    from mtdeep.corpus.directions import Direction, available, parse_directions
    from mtdeep.corpus.store import Store

    opened = Store(store)
    names = [split.strip() for split in splits.split(",") if split.strip()]
    chosen = list(parse_directions(directions, opened))
    if directions == "all":
        # `all` means what the store has: n-way and bilingual corpora seldom fill the whole square.
        held = [available(opened, split) for split in names]
        chosen = [direction for direction in chosen if all(direction in split for split in held)]
    console = Console(stderr=True)
    total = len(one_way(chosen)) * len(names)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("file pairs", total=total)
        last_line = time.monotonic()

        def done(split: str, direction: Direction, number: int) -> None:
            nonlocal last_line
            bar.advance(task)
            if not console.is_terminal and time.monotonic() - last_line > _LOG_SECONDS:
                last_line = time.monotonic()
                console.print(f"export-databin: {number} of {total} file pairs, last {split} {direction}")

        written = write_databin(opened, out, chosen, names, done)
    both_ways = f"{len(chosen)} directions in {len(names)} splits"
    typer.echo(f"{out}: {both_ways}, {sum(written.values())} sentence pairs")
