"""`mtdeep grow`: a checkpoint for a store that has got languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtdeep.errors import UserError


def grow(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of the store as it was.")],
    store: Annotated[Path, typer.Option(help="The store, to which mtdeep prepare --append has added languages.")],
    output: Annotated[Path, typer.Option(help="The checkpoint to write.")],
    like: Annotated[
        list[str] | None,
        typer.Option(metavar="NEW=OLD", help="A new language whose tag begins as an old one's; may be given again."),
    ] = None,
) -> None:
    """Add the languages that a store has got to a checkpoint, to train on with them."""
    import torch

    from mtdeep.checkpoint.grow import grow as grown_by
    from mtdeep.corpus import Store
    from mtdeep.durable import check_file, refusals_told, write_atomically
    from mtdeep.languages import resolve

    check_file("--output", output)
    opened = Store(store)
    pairs = {}
    for pair in like or []:
        new, equals, old = pair.partition("=")
        if not (new and equals and old):
            raise UserError(f"--like {pair!r} is not of the form NEW=OLD, such as nds=de")
        if resolve(new, opened.languages) in pairs:
            raise UserError(f"--like {pair}: {new} stands twice; give each new language once")
        pairs[resolve(new, opened.languages)] = resolve(old, opened.languages)
    grown = grown_by(checkpoint, opened.vocabulary, pairs)
    with refusals_told(output):
        write_atomically(output, lambda part: torch.save(grown.state, part))
    for tag in grown.tags:
        typer.echo(f"{tag}: begins as {pairs.get(tag, 'the mean of all languages')}", err=True)
    if not grown.keeps_optimizer:
        typer.echo("its optimizer's state could not be kept: train on with --reset-optimizer", err=True)
    typer.echo(output)
