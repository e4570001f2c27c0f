"""The few numbers of a checkpoint that a table has room for, and what they come to in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from mtdeep.probe.page import in_words
from mtdeep.probe.records import Record
from mtdeep.probe.use.branches import KINDS

LITTLE = 0.01
"""Nats per token below which a branch that is skipped costs little."""
RISE = 0.1
"""Nats per token by which the loss may rise while layers are taken out."""
NEARLY_ALL = 0.9
"""Share of what a stack gains by which it has done most of its work."""
COLUMNS = (
    "checkpoint",
    "stack",
    "branch",
    "measured",
    "angle",
    "share",
    "skipped costs",
    "at most",
    "of little cost",
    "causal score",
    "swapped costs",
    "at most",
)
"""Titles of `rows`, in order."""
LEGEND = (
    "Medians over the layers that were measured, of how many there are. Angle: between the states before a branch "
    "joins and after, divided by pi. Share: of what the layer changes in the states. Costs: nats per token, by skipping"
    " one branch (it gives zeros), by swapping it with that of the layer above; at most: in the layer in brackets. Of"
    f" little cost: layers whose branch costs less than {LITTLE:g} when it is skipped. Causal score: by how much the "
    "layers above change what they do, relative to it, when the branch is skipped."
)


def rows(record: Record) -> list[list[str]]:
    """Return a row under `COLUMNS` for each kind of branch of each stack."""
    return [
        [record["name"], name, kind, *_cells(stack, kind)]
        for name, stack in record["stacks"].items()
        for kind in KINDS
        if any(branch["kind"] == kind for branch in stack["states"])
    ]


def _cells(stack: Record, kind: str) -> list[str]:
    states, skips, swaps = ([x for x in stack[key] if x["kind"] == kind] for key in ("states", "skips", "swaps"))
    little = sum(skip["cost"] is not None and skip["cost"] < LITTLE for skip in skips)
    return [
        f"{len(states)} of {stack['depth']}",
        _median(states, "distance", "z.3f"),
        _median(states, "share", "z.2f"),
        _median(skips, "cost", "z.4f"),
        _largest(skips),
        f"{little} of {len(skips)}",
        _median(skips, "effect", "z.3f"),
        _median(swaps, "cost", "z.4f"),
        _largest(swaps),
    ]


def _median(entries: Sequence[Record], field: str, form: str) -> str:
    values = [entry[field] for entry in entries if entry[field] is not None]
    return format(median(values), form) if values else "-"


def _largest(entries: Sequence[Record]) -> str:
    known = [entry for entry in entries if entry["cost"] is not None]
    if not known:
        return "-"
    largest = max(known, key=lambda entry: entry["cost"])
    return f"{largest['cost']:z.3f} ({largest['layer']})"


def sentences(record: Record) -> list[str]:
    """Return what the numbers of whole layers come to, a sentence each; none on numbers that are not finite."""
    if record["loss"] is None:
        return ["The loss is not finite: nothing else here says anything."]
    updates = "" if record["updates"] is None else f" after {record['updates']:,} updates"
    lines = [
        f"{record['loss']:z.3f} nats per token{updates}, on {record['tokens']:,} tokens of {record['sentences']:,} "
        "sentences."
    ]
    for name, stack in record["stacks"].items():
        lines += [*_sampled(name, stack), *_read_off(name, stack), *_pruned(name, stack)]
    return [*lines, *_source(record)]


def _sampled(name: str, stack: Record) -> Iterator[str]:
    branch_layers, layers, depth = len(stack["branch_layers"]), len(stack["layers"]), stack["depth"]
    if branch_layers < depth:
        yield (
            f"Of the {depth} layers of the {name} an even sample was measured: {branch_layers} branch by branch, "
            f"{layers} as a whole."
        )


def _read_off(name: str, stack: Record) -> Iterator[str]:
    losses = {reading["depth"]: reading["nll"] for reading in stack["readings"]}
    if None in losses.values():
        return
    first, last = losses[0], losses[stack["depth"]]
    sentence = f"Read off at the {name}'s embeddings the loss is {first:z.3f}, behind its highest layer {last:z.3f}"
    if first > last:
        layer = next(depth for depth, loss in losses.items() if loss <= first - NEARLY_ALL * (first - last))
        sentence += f"; {NEARLY_ALL:.0%} of the difference is made by layer {layer} of {stack['depth']}"
    yield f"{sentence}."


def _pruned(name: str, stack: Record) -> Iterator[str]:
    losses = stack["pruning"]["losses"]
    if None in losses:
        return
    spared = next((k - 1 for k, loss in enumerate(losses) if loss > losses[0] + RISE), len(losses) - 1)
    yield (
        f"Without {spared} of {len(losses) - 1} layers of the {name}, the cheapest first, the loss rises by no more "
        f"than {RISE:g}; without all of them it is {losses[-1]:z.3f}."
    )


def _source(record: Record) -> Iterator[str]:
    source = record["source"]
    if source is None:
        if len(record["stacks"]) > 1:
            yield "What another source costs was not told: no sentence has another of its direction."
    elif None not in source["costs"]:
        cost, layer = max(zip(source["costs"], source["layers"], strict=True))
        yield (
            f"Another source costs {source['together']:z.3f} nats per token where all layers of the decoder read it,"
            f" and {cost:z.3f} at most where one does (layer {layer}), over {source['sentences']:,} sentences."
        )


def about(records: Sequence[Record], settings: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Return how the checkpoints were examined, in words."""
    widths = ", ".join(str(width) for width in sorted({record["config"]["embed_dim"] for record in records}))
    return (
        f"Width {widths}; {in_words(data)}; {settings['batches']} batches of about {settings['batch_tokens']} tokens;"
        f" seed {settings['seed']}; float32, without dropout."
    )
