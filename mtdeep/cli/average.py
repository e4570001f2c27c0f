"""`mtdeep average`: one checkpoint whose weights are the mean of several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtdeep.errors import UserError

if TYPE_CHECKING:
    from mtdeep.checkpoint.folder import Kind


def average(
    inputs: Annotated[list[Path], typer.Argument(help="Checkpoints, or the folder of a training.")],
    output: Annotated[Path, typer.Option(help="The checkpoint to write.")],
    num_epoch_checkpoints: Annotated[
        int | None, typer.Option(min=1, help="Of a folder: the last so many that ended an epoch, checkpoint7.pt.")
    ] = None,
    num_update_checkpoints: Annotated[
        int | None, typer.Option(min=1, help="Or the last so many of --save-interval-updates, checkpoint_2_500.pt.")
    ] = None,
    checkpoint_upper_bound: Annotated[
        int | None, typer.Option(min=1, help="The last epoch, or update, that counts.")
    ] = None,
    ema: Annotated[
        bool, typer.Option("--ema", help="Of the moving averages that fairseq-train --store-ema has kept.")
    ] = False,
) -> None:
    """Average checkpoints of one training, in float64; its options are those of fairseq's average_checkpoints.py."""
    import torch

    from mtdeep.checkpoint.average import average as mean_of
    from mtdeep.checkpoint.folder import latest
    from mtdeep.durable import check_file, refusals_told, write_atomically

    check_file("--output", output)
    counts: dict[Kind, int | None] = {"epoch": num_epoch_checkpoints, "update": num_update_checkpoints}
    given = [(kind, count) for kind, count in counts.items() if count is not None]
    if len(given) > 1:
        raise UserError("--num-epoch-checkpoints and --num-update-checkpoints contradict each other; give one of them")
    if given and len(inputs) > 1:
        raise UserError(f"--num-{given[0][0]}-checkpoints is for one folder, and there are {len(inputs)} inputs")
    if not given and checkpoint_upper_bound is not None:
        raise UserError("--checkpoint-upper-bound needs --num-epoch-checkpoints or --num-update-checkpoints")
    if not given and (folders := [path for path in inputs if path.is_dir()]):
        raise UserError(f"{folders[0]}: a folder; say which of its checkpoints, with --num-epoch-checkpoints for one")
    paths = [path for kind, count in given for path in latest(inputs[0], kind, count, checkpoint_upper_bound)] or inputs
    typer.echo(f"averaging {len(paths)}: {', '.join(map(str, paths))}", err=True)
    mean = mean_of(paths, ema=ema)
    with refusals_told(output):
        write_atomically(output, lambda part: torch.save(mean, part))
    typer.echo(output)
