"""`mtdeep store export-fairseq`: fairseq's own data-bin, for its stock tasks, from a corpus store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_fairseq(
    store: Annotated[Path, typer.Argument(help="Corpus store written by `mtdeep prepare`.")],
    out: Annotated[Path, typer.Argument(help="Directory for the data-bin; made if need be.")],
    directions: Annotated[
        str, typer.Option(help="all, centric:CODE, a comma list en-de,de-en, or a file with one direction a line.")
    ],
    splits: Annotated[str, typer.Option(help="Comma list of splits.")] = "train,valid,test",
) -> None:
    """Write fairseq's data-bin (MMIDIDX and dict.LANG.txt) for chosen directions of a store."""
    from mtdeep.corpus.databin import one_way, write_databin
    from mtdeep.corpus.directions import Direction, available, parse_directions
    from mtdeep.corpus.store import Store
    from mtdeep.progress import ProgressReport

    opened = Store(store)
    names = [split.strip() for split in splits.split(",") if split.strip()]
    chosen = list(parse_directions(directions, opened))
    if directions == "all":
        # `all` means what the store has: n-way and bilingual corpora seldom fill the whole square.
        held = [available(opened, split) for split in names]
        chosen = [direction for direction in chosen if all(direction in split for split in held)]
    total = len(one_way(chosen)) * len(names)
    with ProgressReport() as progress:

        def done(split: str, direction: Direction, number: int) -> None:
            progress.show(f"writing {split} {direction}", number, total)

        written = write_databin(opened, out, chosen, names, done)
    both_ways = f"{len(chosen)} directions in {len(names)} splits"
    typer.echo(f"{out}: {both_ways}, {sum(written.values())} sentence pairs")
