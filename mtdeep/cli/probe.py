"""`mtdeep probe`: whether a configuration will train, from its first updates; whether a trained one uses its depth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtdeep.cli.probe_use import check_use, show_use
from mtdeep.errors import UserError

if TYPE_CHECKING:
    from mtdeep.probe import Candidate, Data, Report

GOES_ON = "what is measured is kept, and the same command goes on"
MADE_UP_VOCABULARY = 256


def probe(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="Folder for the report; a killed run goes on in it.")],
    schemes: Annotated[
        str,
        typer.Option(
            "--schemes", "--arch", help="Comma list of schemes, deepnorm,preln,..., or of fairseq-train's --arch."
        ),
    ] = "",
    depths: Annotated[
        str | None,
        typer.Option(help="Comma list of total depths, half encoder, half decoder: 12,36,100. [default: 12]"),
    ] = None,
    width: Annotated[int, typer.Option(help="Width of the swept models, a multiple of 16.")] = 64,
    config: Annotated[
        list[Path] | None, typer.Option(help="YAML file of a model's fields (those of mtdeep.nn.Config); repeatable.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="Checkpoint that fairseq-train wrote; repeatable.")
    ] = None,
    use: Annotated[
        bool, typer.Option("--use", help="See whether a checkpoint uses its depth, layer by layer; needs --store.")
    ] = False,
    store: Annotated[
        Path | None, typer.Option(help="Corpus store to take batches from, in place of made-up sentences.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the store. [default: train; with --use: valid]")] = None,
    language: Annotated[
        str, typer.Option(help="Language of the store whose sentences a stack on its own reads, a language model.")
    ] = "",
    steps: Annotated[int, typer.Option(min=1, help="Updates.")] = 10,
    lr: Annotated[float, typer.Option(help="Peak learning rate of Adam.")] = 5e-4,
    warmup: Annotated[int, typer.Option(min=0, help="Updates over which the rate rises to its peak.")] = 0,
    depth_rates: Annotated[
        str | None,
        typer.Option(
            help="Rule by which the rate depends on depth, as fairseq-train's flag: none, adam or completep; none for "
            "schemes that do not have it. [default: that of a checkpoint's training, else none]"
        ),
    ] = None,
    precision: Annotated[str, typer.Option(help="fp32, amp, bf16 or fp16, as fairseq-train's flags.")] = "fp32",
    batch_tokens: Annotated[int, typer.Option(min=1, help="About as many source tokens a batch.")] = 512,
    seed: Annotated[int, typer.Option(help="Seed of weights, batches and dropout.")] = 1,
) -> None:
    """Measure gradients, updates and states of models in their first updates, and say whether they will train.

    With --use, see instead whether trained models use their depth, branch by branch and layer by layer.
    """
    from mtdeep.durable import check_folder, refusals_told
    from mtdeep.nn.factors import checked_rule
    from mtdeep.precision import PRECISIONS
    from mtdeep.probe import Settings, from_checkpoints
    from mtdeep.probe import probe as run
    from mtdeep.probe.use import probe_use
    from mtdeep.progress import ProgressReport

    check_folder("--output", output)
    if use:
        check_use(context, checkpoint or [], store)
        data = opened(store, split or "valid", language)
        candidates = from_checkpoints(checkpoint or [])
        with ProgressReport() as progress, refusals_told(output, kept=GOES_ON):
            examined = probe_use(candidates, data, output, batch_tokens=batch_tokens, seed=seed, progress=progress.show)
        show_use(examined)
        return
    if precision not in PRECISIONS:
        raise UserError(f"--precision {precision} is none of {', '.join(PRECISIONS)}; give one of them.")
    if not 0 < lr < float("inf"):
        raise UserError(f"--lr {lr} is no learning rate; give one above 0.")
    try:
        rule = None if depth_rates is None else checked_rule(depth_rates)
    except ValueError as error:
        raise UserError(f"--depth-rates {error}.") from None
    settings = Settings(
        steps=steps,
        learning_rate=lr,
        warmup=warmup,
        precision=precision,
        seed=seed,
        batch_tokens=batch_tokens,
        depth_rates=rule,
    )
    data = opened(store, split or "train", language)
    candidates = gathered(schemes, depths, width, config or [], checkpoint or [], data)
    with ProgressReport() as progress, refusals_told(output, kept=GOES_ON):
        report = run(candidates, settings, data, output, progress.show)
    show(report)


def opened(store: Path | None, split: str, language: str) -> Data:
    """Open the store, if one is given; raises UserError for a split that it lacks and an unknown language."""
    from mtdeep.corpus import Store
    from mtdeep.languages import resolve
    from mtdeep.probe import Data

    if store is None:
        if language:
            raise UserError(f"--language {language}: it is one of a store's; give --store too.")
        return Data()
    opened = Store(store)
    opened.corpora(split)
    return Data(opened, split, resolve(language, opened.languages) if language else None)


def gathered(
    schemes: str, depths: str | None, width: int, configs: list[Path], checkpoints: list[Path], data: Data
) -> list[Candidate]:
    """Return what the options name, in the order: schemes, files, checkpoints; raises UserError for what is wrong."""
    from mtdeep.probe import from_checkpoints, from_yaml, swept

    names = [name.strip() for name in schemes.split(",") if name.strip()]
    try:
        totals = None if depths is None else [int(depth) for depth in depths.split(",") if depth.strip()]
    except ValueError:
        raise UserError(f"--depths {depths!r}: not a comma list of whole numbers, such as 12,36,100.") from None
    size = MADE_UP_VOCABULARY if data.store is None else len(data.store.vocabulary)
    candidates = swept(names, totals, width=width, vocabulary_size=size) if names else []
    return [*candidates, *map(from_yaml, configs), *from_checkpoints(checkpoints)]


def show(report: Report) -> None:
    """Print a table of all configurations, the sentence of each verdict, and the files."""
    from rich.console import Console
    from rich.table import Table

    from mtdeep.probe.table import COLUMNS, LEGEND, cells

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    table = Table(pad_edge=False, box=None)
    table.add_column("configuration", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for title in COLUMNS:
        table.add_column(title, justify="right")
    for record in report.records:
        table.add_row(record["name"], record["verdict"]["outcome"], *cells(record))
    console.print(table)
    console.print(LEGEND, soft_wrap=True)
    console.print()
    for record in report.records:
        line = f"{record['name']} (width {record['width']}): {record['verdict']['outcome']}."
        console.print(f"{line} {record['verdict']['sentence']}", markup=False, soft_wrap=True)
    console.print("Files:", *map(str, report.files), sep="\n  ", markup=False, soft_wrap=True)
