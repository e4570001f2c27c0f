"""The tables that `mtdeep plan` prints for a person."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mtdeep.planning import format_bytes

if TYPE_CHECKING:
    from rich.table import Table

    from mtdeep.planning import BatchPlan, Plan


def report(result: Plan) -> None:
    """Print the plan."""
    from rich.console import Console

    # In a log there is no width to wrap to.
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(_headline(result), markup=False)
    counts = _table("Parameters", "part", "number")
    for part, number in _with_total(result.parameters):
        counts.add_row(part, f"{number:,}")
    console.print(counts, _state(result))
    batches = _table("Batches of one device", "", "all activations kept", "--checkpoint-activations")
    for name, cell in _batch_rows(result):
        batches.add_row(name, *map(cell, result.batches))
    console.print(batches)
    for note in _notes(result):
        console.print(note, markup=False)


def _headline(result: Plan) -> str:
    config, training = result.config, result.training
    depths = (("encoder", config.encoder_layers), ("decoder", config.decoder_layers))
    stacks = " + ".join(f"{layers} {stack}" for stack, layers in depths if layers)
    return (
        f"{config.scheme}, {stacks} layers of width {config.embed_dim}, {training.precision}, "
        f"{training.devices} x {format_bytes(training.memory)} ({training.device}), "
        f"sentences of {training.sentence_length} tokens"
    )


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _with_total(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    yield from counts.items()
    yield "total", sum(counts.values())


def _state(result: Plan) -> Table:
    """What is there whatever the batch; DDP divides none of it."""
    devices = result.training.devices
    title = "Held whatever the batch"
    if devices == 1:
        table = _table(title, "what", "bytes")
    else:
        table = _table(f"{title}, by each device for itself", "what", "each device", f"all {devices}")
    for what, size in _with_total(result.state_bytes):
        more = () if devices == 1 else (format_bytes(devices * size),)
        table.add_row(what, format_bytes(size), *more)
    return table


def _batch_rows(result: Plan) -> Iterator[tuple[str, Callable[[BatchPlan], str]]]:
    """Yield the name of each row, and what it says of a batch."""

    def if_fits(text: Callable[[BatchPlan], str]) -> Callable[[BatchPlan], str]:
        return lambda batch: text(batch) if result.fits(batch) else "-"

    training, course = result.training, result.course
    length = training.sentence_length
    yield "activations of a token", lambda b: format_bytes(b.activation_bytes_per_token)
    yield f"activations of {length} tokens", lambda b: format_bytes(length * b.activation_bytes_per_token)
    yield "kept in forward, whatever the batch", lambda b: format_bytes(b.fixed_forward_bytes)
    yield "workspace of the loss", lambda b: format_bytes(b.loss_bytes)
    yield "largest --max-tokens", lambda b: f"{b.max_tokens:,}" if b.max_tokens else "none fits"
    if training.max_tokens is not None:
        wanted = f"--max-tokens {training.max_tokens:,}"
        yield wanted, lambda b: "fits" if result.fits(b) else "does not fit"
    yield "sentences in it", if_fits(lambda b: f"{b.sentences:,}")
    most = "most bytes at once, with the reserve" if training.reserved else "most bytes at once"
    yield most, lambda b: format_bytes(b.peak_bytes) + ("" if b.max_tokens else " for one sentence")
    yield "reached in", lambda b: b.peak_stage
    divided = f", divided over {training.devices} devices" if training.devices > 1 else ""
    yield f"tokens in an update{divided}", if_fits(lambda b: f"{result.tokens_per_update(b):,}")
    yield "GFLOP of a token", lambda b: f"{b.flops_per_token / 1e9:.3g}"
    if course.tflops is not None or course.tokens_per_second is not None:
        every = ", all devices" if training.devices > 1 else ""
        yield f"tokens a second{every}", lambda b: f"{result.tokens_per_second(b):,.0f}"
    if course.updates is not None or course.epochs is not None:
        yield "updates", if_fits(lambda b: f"{result.updates(b):,}")
        yield "tokens in all", if_fits(lambda b: f"{(result.updates(b) or 0) * result.tokens_per_update(b):,}")
        if course.corpus_tokens is not None:
            yield "epochs", if_fits(lambda b: f"{result.epochs(b):.3g}")
        if course.tflops is not None or course.tokens_per_second is not None:
            yield "hours", if_fits(lambda b: f"{result.hours(b):,.1f}")


def _notes(result: Plan) -> Iterator[str]:
    training, course = result.training, result.course
    config = result.config
    if config.encoder_layers and config.decoder_layers:
        yield "A token is one of --max-tokens: a position of the source and one of the target; padding counts."
    else:
        yield "A token is one of --max-tokens: a position; padding counts."
    if training.device == "cuda":
        yield "Computed for CUDA, not measured there; the plan was checked on CPUs (docs/planning.md)."
        if training.reserve is None:
            yield "The reserve is an assumption, for CUDA's context, libraries and fragments; --reserve sets it."
    else:
        yield "Counted are tensors. What Python, the data loader and the allocator take comes on top (--reserve)."
    if training.devices > 1:
        yield "DDP: every device has its own copy of the state; only the sentences of an update are divided."
    if course.tokens_per_second is not None:
        kept, again = result.batches
        more = again.flops_per_token / kept.flops_per_token
        yield f"--tokens-per-second is taken for both columns; checkpointing computes {more:.2g} times as much."
    elif course.tflops is not None:
        yield "The speed is that of matrix products; communication and the data loader come on top."
