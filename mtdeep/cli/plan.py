"""`mtdeep plan`: the memory that a training needs, the batch that fits, and its arithmetic, before it is started."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtdeep.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from mtdeep.nn import Config
    from mtdeep.planning import BatchPlan, Plan


def plan(
    memory: Annotated[str, typer.Option(help="Memory of each device: 80GB (decimal) or 80GiB (binary).")],
    model: Annotated[Path | None, typer.Argument(help="YAML file with fields of mtdeep.nn.Config.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Take the model of a checkpoint*.pt file.")] = None,
    scheme: Annotated[str | None, typer.Option(help="deepnorm, subln, residual, preln, postln, ...")] = None,
    encoder_layers: Annotated[int | None, typer.Option(help="N of the papers.")] = None,
    decoder_layers: Annotated[int | None, typer.Option(help="M of the papers.")] = None,
    embed_dim: Annotated[int | None, typer.Option(help="Width of the stream.")] = None,
    ffn_dim: Annotated[int | None, typer.Option(help="Inner width of the feed-forward branches.")] = None,
    heads: Annotated[int | None, typer.Option(help="Attention heads.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Rows of the embedding tables.")] = None,
    share_all_embeddings: Annotated[
        bool | None, typer.Option("--share-all-embeddings", help="One table for both embeddings and the output.")
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="Devices that train together (DDP).")] = 1,
    precision: Annotated[str, typer.Option(help="fp32, amp, bf16 or fp16, as fairseq-train's flags.")] = "fp32",
    device: Annotated[str, typer.Option(help="cuda or cpu: attention keeps more on a CPU.")] = "cuda",
    sentence_length: Annotated[
        int, typer.Option(min=1, help="Tokens of a pair's longer side, tag and end-of-sentence counted.")
    ] = 30,
    update_freq: Annotated[int, typer.Option(min=1, help="Batches of each device in an update.")] = 1,
    tflops: Annotated[
        float | None, typer.Option(min=0.001, help="10^12 operations a second that a device does in training.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, in bytes and numbers.")] = False,
) -> None:
    """Say what a training will need: memory with and without --checkpoint-activations, and the largest --max-tokens."""
    from mtdeep.planning import TRACES, make_plan, parse_bytes
    from mtdeep.progress import ProgressReport

    given = {
        "scheme": scheme,
        "encoder_layers": encoder_layers,
        "decoder_layers": decoder_layers,
        "embed_dim": embed_dim,
        "encoder_ffn_dim": ffn_dim,
        "decoder_ffn_dim": ffn_dim,
        "encoder_heads": heads,
        "decoder_heads": heads,
        "source_vocabulary_size": vocabulary,
        "target_vocabulary_size": vocabulary,
        "share_all_embeddings": share_all_embeddings,
    }
    room = parse_bytes(memory)
    config = chosen_config(model, checkpoint, {name: value for name, value in given.items() if value is not None})
    with ProgressReport() as progress:
        progress.stage("rehearsing training steps", TRACES)
        result = make_plan(
            config,
            precision=precision,
            device=device,
            devices=devices,
            memory=room,
            sentence_length=sentence_length,
            update_freq=update_freq,
            tflops=tflops,
            step_done=progress.advance,
        )
    if as_json:
        print(json.dumps(as_data(result), indent=2))
    else:
        report(result)


def chosen_config(model: Path | None, checkpoint: Path | None, given: Mapping[str, Any]) -> Config:
    """Return the configuration in a YAML file or a checkpoint, or of a plain model, with what was given changed.

    Raises UserError when it is none.
    """
    from mtdeep.checkpoint import read_checkpoint, read_config
    from mtdeep.nn import Config

    if model is not None and checkpoint is not None:
        raise UserError(f"{model} and {checkpoint} are two models; give one of them.")
    if model is None and checkpoint is None and not {"scheme", "source_vocabulary_size"} <= given.keys():
        raise UserError("which model? Give a YAML file, --checkpoint, or at least --scheme and --vocabulary.")
    if model is not None:
        return read_config(model, given)
    fields = {} if checkpoint is None else read_checkpoint(checkpoint).config.to_dict()
    try:
        return Config.from_dict({**fields, **given})
    except ValueError as problem:
        raise UserError(f"{f'{checkpoint}: ' if checkpoint else ''}{problem}; correct it by an option.") from None


def as_data(result: Plan) -> dict[str, Any]:
    """Return the plan as plain data, with what follows from it."""
    data = asdict(result)
    for row, batch in zip(data["batches"], result.batches, strict=True):
        row["tokens_per_update"] = result.tokens_per_update(batch)
        row["tokens_per_second"] = result.tokens_per_second(batch)
    return data


def report(result: Plan) -> None:
    """Print the plan for a person."""
    from rich.console import Console

    from mtdeep.planning import format_bytes

    # In a log there is no width to wrap to.
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    config = result.config
    console.print(
        f"{config.scheme}, {config.encoder_layers} + {config.decoder_layers} layers of width {config.embed_dim}, "
        f"{result.precision}, {result.devices} x {format_bytes(result.memory_bytes)} ({result.device}), "
        f"sentences of {result.sentence_length} tokens"
    )
    counts = _table("Parameters", "part", "number")
    for part, number in _with_total(result.parameters):
        counts.add_row(part, f"{number:,}")
    state = _table("What each device holds, whatever the batch", "what", "bytes")
    for what, size in _with_total(result.state_bytes):
        state.add_row(what, format_bytes(size))
    batches = _table("Batches of one device", "", "all activations kept", "--checkpoint-activations")
    for row in _batch_rows(result):
        batches.add_row(*row)
    console.print(counts, state, batches)
    for note in _notes(result):
        console.print(note, markup=False)


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _with_total(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    yield from counts.items()
    yield "total", sum(counts.values())


def _batch_rows(result: Plan) -> Iterator[tuple[str, ...]]:
    from mtdeep.planning import format_bytes

    def row(name: str, *cells: str) -> tuple[str, ...]:
        return (name, *cells)

    def if_fits(batch: BatchPlan, text: str) -> str:
        return text if batch.max_tokens else "-"

    both = result.batches
    length = result.sentence_length
    yield row("activations of a token", *(format_bytes(b.activation_bytes_per_token) for b in both))
    yield row("activations of a sentence pair", *(format_bytes(length * b.activation_bytes_per_token) for b in both))
    yield row("kept in forward, whatever the batch", *(format_bytes(b.fixed_forward_bytes) for b in both))
    yield row("workspace of the loss", *(format_bytes(b.loss_bytes) for b in both))
    yield row("largest --max-tokens", *(f"{b.max_tokens:,}" if b.max_tokens else "none fits" for b in both))
    yield row("sentence pairs in it", *(if_fits(b, f"{b.sentences:,}") for b in both))
    peaks = (format_bytes(b.peak_bytes) + ("" if b.max_tokens else " for one pair") for b in both)
    yield row("most bytes at once", *peaks)
    yield row("reached in", *(b.peak_stage for b in both))
    yield row("tokens in an update of all devices", *(if_fits(b, f"{result.tokens_per_update(b):,}") for b in both))
    yield row("GFLOP for a token", *(f"{b.flops_per_token / 1e9:.3g}" for b in both))
    if result.tflops is not None:
        speeds = [result.tokens_per_second(b) or 0.0 for b in both]
        yield row("tokens a second, all devices", *(f"{speed:,.0f}" for speed in speeds))


def _notes(result: Plan) -> Iterator[str]:
    yield "A token is one of --max-tokens: a position of the source and one of the target; padding counts."
    yield "Counted are tensors. The allocator's losses and what the device's libraries take come on top."
    if result.device == "cuda":
        yield "Checked on CPUs only; for CUDA it is assumed that attention keeps no scores (docs/planning.md)."
    if result.devices > 1:
        yield "Every device holds all of the state (DDP): more devices make larger updates, not room."
