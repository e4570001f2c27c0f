"""`mtdeep evaluate`: translate and score all directions of a test set in one process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtdeep.errors import UserError

if TYPE_CHECKING:
    from mtdeep.evaluation import Evaluation, Matrix

GOES_ON = "what is translated is kept, and the same command goes on"
MATRIX_UP_TO = 15  # languages; a wider matrix does not fit a terminal, and is in the files


def evaluate(
    store: Annotated[Path, typer.Argument(help="Corpus store written by `mtdeep prepare`.")],
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint that fairseq-train wrote.")],
    split: Annotated[str, typer.Option(help="Split to translate.")] = "test",
    directions: Annotated[
        str, typer.Option(help="'all', 'centric:en', 'bridge:family', 'en-de,de-en', a file; see docs/corpus-store.md.")
    ] = "all",
    beam: Annotated[int, typer.Option(min=1, help="Hypotheses kept for each sentence.")] = 5,
    lenpen: Annotated[float, typer.Option(help="Length penalty: above 1 favours longer translations.")] = 1.0,
    max_len_a: Annotated[
        float,
        typer.Option(min=0.0, help="A translation has at most a * source tokens + b: a (fairseq-generate has 0)."),
    ] = 2.0,
    max_len_b: Annotated[
        int,
        typer.Option(min=1, help="A translation has at most a * source tokens + b: b (fairseq-generate has 200)."),
    ] = 20,
    output: Annotated[Path, typer.Option(help="Folder for results; a killed run goes on in it.")] = Path("evaluation"),
    batch_tokens: Annotated[
        int, typer.Option(min=1, help="Source tokens, times target languages, decoded at once.")
    ] = 4096,
    tokenize: Annotated[
        str | None, typer.Option(help="sacrebleu tokenizer for BLEU, instead of the target language's.")
    ] = None,
    device: Annotated[str, typer.Option(help="'cpu', 'cuda', 'cuda:1', or 'auto': a GPU where there is one.")] = "auto",
) -> None:
    """Translate all directions of a split and print matrices of BLEU and chrF++ with averages and signatures."""
    from mtdeep import evaluation
    from mtdeep.decoding import SearchOptions
    from mtdeep.durable import check_folder, refusals_told
    from mtdeep.progress import ProgressReport

    check_folder("--output", output)
    try:
        options = SearchOptions(beam=beam, length_penalty=lenpen, max_length_a=max_len_a, max_length_b=max_len_b)
    except ValueError as error:
        raise UserError(f"--beam, --lenpen, --max-len-a, --max-len-b: {error}.") from None
    with ProgressReport() as progress, refusals_told(output, kept=GOES_ON):
        result = evaluation.evaluate(
            checkpoint,
            store,
            output=output,
            split=split,
            directions=directions,
            options=options,
            tokenize=tokenize,
            batch_tokens=batch_tokens,
            device=chosen_device(device),
            progress=progress.show,
        )
    report(result)


def chosen_device(name: str) -> str:
    """Return the device for `auto`; raises UserError for one that is not there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError):
        raise UserError(f"--device {name}: torch has no such device here; use cpu or auto.") from None
    return name


def report(result: Evaluation) -> None:
    """Print matrices, averages, signatures and files."""
    from rich.console import Console

    from mtdeep.evaluation import BLEU, CHRF, COPY_BLEU

    # In a log there is no width to wrap to.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    for metric in (BLEU, CHRF):
        matrix = result.matrix(metric)
        print_matrix(console.print, matrix)
        for signature in matrix.signatures:
            console.print(f"{metric} signature: {signature}", markup=False, soft_wrap=True)
        console.print()
    for metric in (BLEU, CHRF, COPY_BLEU):
        what = "BLEU of copying the source" if metric == COPY_BLEU else metric
        console.print(f"Average {what}: {result.matrix(metric).average()}", markup=False)
    gaps = result.matrix(BLEU).gaps()
    if gaps:
        shown = ", ".join(map(str, gaps[:10])) + (", ..." if len(gaps) > 10 else "")
        console.print(f"No sentences, so no score: {len(gaps)} directions ({shown})", markup=False, soft_wrap=True)
    console.print("Files:", *map(str, result.files), sep="\n  ", markup=False, soft_wrap=True)


def print_matrix(write: Callable[..., None], matrix: Matrix) -> None:
    """Print the matrix, or for many languages only the averages from and to each."""
    from rich.table import Table

    whole = len(matrix.languages) <= MATRIX_UP_TO
    write(f"{matrix.metric} (rows: from, columns: to)" if whole else f"{matrix.metric} (averages from and to)")
    table = Table(pad_edge=False, box=None)
    table.add_column("")
    for name in [*(matrix.languages if whole else ()), *(("average",) if whole else ("from", "to"))]:
        table.add_column(name, justify="right", no_wrap=True)
    for source in matrix.languages:
        cells = [_cell(matrix.value(source, t), source == t) for t in matrix.languages] if whole else []
        averages = [matrix.average_from(source), *([] if whole else [matrix.average_to(source)])]
        table.add_row(source, *cells, *[_cell(average.value, False) for average in averages])
    overall = _cell(matrix.average().value, False)
    below = [_cell(matrix.average_to(target).value, False) for target in matrix.languages] if whole else [overall]
    table.add_row("average", *below, overall)
    write(table)


def _cell(value: float | None, same: bool) -> str:
    if value is None:
        return "" if same else "-"
    return f"{value:.1f}"
