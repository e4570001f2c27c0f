"""The few numbers of a configuration that a table has room for."""

from __future__ import annotations

import math

from mtdeep.probe.gradients import flow
from mtdeep.probe.records import Record

COLUMNS = (
    "parameters",
    "gradient falls to",
    "rises to",
    "update by one",
    "update by all",
    "spread after",
    "loss before",
    "loss after",
    "other source costs",
)
"""Titles of `cells`, in order; losses in nats per token, updates and spread relative to the size of the states."""
LEGEND = (
    "Gradient: the smallest and the largest ratio of a layer's gradient to that of a layer above it, after all "
    "updates, of the worse stack. Update: how far one update of the peak rate, and all updates, move the model's "
    "output, by its size. Spread: of the output over tokens, by its size, of the worse stack. Losses: nats per token; "
    "another source, of the same direction, after all updates."
)


def cells(record: Record) -> list[str]:
    """Return a row of the table, under `COLUMNS`; gradients and spread of the worse stack, updates of the model."""
    start, end = record["start"], record["end"]
    last = [*start["gradients"]][-1]
    outputs = [stack["output"] for stack in end["states"].values()]
    spreads = [_ratio(output["spread"], output["rms"]) for output in outputs]
    flows = [flow([math.nan if g is None else g for g in stack["layers"]]) for stack in end["gradients"].values()]
    source = end["source"]
    return [
        f"{record['parameters']:,}",
        _number(min(found.fall for found in flows)),
        _number(max(found.rise for found in flows)),
        *(_number(record[key][last]["relative"]) for key in ("after_one", "after_all")),
        _number(min((math.nan if spread is None else spread for spread in spreads), default=math.nan)),
        *(_number(moment["nll"], ".3f") for moment in (start, end)),
        _number(_difference(source["nll_other"], source["nll_own"]) if source else None, ".3f"),
    ]


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b else a / b


def _number(value: float | None, form: str = ".2g") -> str:
    return "-" if value is None or not math.isfinite(value) else format(value, form)
