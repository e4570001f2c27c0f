"""`mtdeep store export-fairseq`: fairseq's own data-bin, for its stock tasks, from a corpus store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AGAIN = "the files that are there are whole, and the same command writes all of them"


def export_fairseq(
    store: Annotated[Path, typer.Argument(help="Corpus store written by `mtdeep prepare`.")],
    out: Annotated[Path, typer.Argument(help="Directory for the data-bin; made if need be.")],
    directions: Annotated[
        str,
        typer.Option(
            help="Any of these, separated by commas: all, centric:CODE, group:family, bridge:family (or script, "
            "branch, a file of groups), en-de, or a file with one direction a line; see docs/corpus-store.md."
        ),
    ],
    splits: Annotated[
        str, typer.Option(help="Comma list of splits. [default: all that the store has]", show_default=False)
    ] = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove the data-bin that the directory has, of whatever store, first.")
    ] = False,
) -> None:
    """Write fairseq's data-bin (MMIDIDX and dict.LANG.txt) for chosen directions of a store.

    Directions of a set, such as all, are left out of the splits that lack them; those named one by one must be there.
    """
    from mtdeep.corpus.databin import write_databin
    from mtdeep.corpus.directions import available, named_directions, parse_directions
    from mtdeep.corpus.store import Store
    from mtdeep.durable import refusals_told
    from mtdeep.errors import shortened
    from mtdeep.progress import ProgressReport

    opened = Store(store)
    given = [split.strip() for split in splits.split(",") if split.strip()]
    names = given or opened.splits
    chosen = parse_directions(directions, opened)
    held = {split: available(opened, split) for split in names}
    needed = set(named_directions(directions, opened))
    if not given:  # then a direction that is named is in one of the splits at least
        needed -= {direction for split in held.values() for direction in split}
    with ProgressReport() as progress, refusals_told(out, kept=AGAIN):
        optional = set(chosen) - needed
        written = write_databin(
            opened, out, chosen, names, optional=optional, overwrite=overwrite, progress=progress.show
        )
    for split, has in held.items():
        if lacking := [str(direction) for direction in chosen if direction not in has]:
            typer.echo(
                f"{split}: {len(lacking):,} of {len(chosen):,} directions have no sentences and are left out: "
                f"{shortened(lacking)}",
                err=True,
            )
    splits_written = dict.fromkeys(split for split, _ in written)
    both_ways = [direction for direction in chosen if any(direction in has for has in held.values())]
    typer.echo(
        f"{out}: {len(both_ways):,} directions in splits {', '.join(splits_written)}, "
        f"{sum(written.values()):,} sentence pairs"
    )
