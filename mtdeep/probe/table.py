"""The few numbers of a configuration that a table has room for."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]
COLUMNS = (
    "parameters",
    "gradient reach before",
    "reach after",
    "update by one",
    "update by all",
    "spread after",
    "loss before",
    "loss after",
    "loss, other source",
)
"""Titles of `cells`, in order; losses in nats per token, updates and spread relative to the size of the states."""
LEGEND = (
    "Gradient reach: the lowest layer's gradient by the highest's, the worse of the stacks. Update: how far one update "
    "of the peak rate, and all updates, move the model's output, by its size. Spread: of the first stack's output over "
    "tokens, by its size. Losses: nats per token."
)


def cells(record: Record) -> list[str]:
    """Return a row of the table, under `COLUMNS`; gradients are the worse of the two stacks', updates the model's."""
    start, end = record["start"], record["end"]
    first, last = next(iter(start["gradients"])), [*start["gradients"]][-1]
    output = end["states"][first]["output"]
    return [
        f"{record['parameters']:,}",
        *(_number(min(_reaches(moment), default=None)) for moment in (start, end)),
        *(_number(record[key][last]["relative"]) for key in ("after_one", "after_all")),
        _number(_ratio(output["spread"], output["rms"])),
        *(_number(nll, ".3f") for nll in (start["nll"], end["nll"], end["nll_other_source"])),
    ]


def _reaches(moment: Record) -> list[float]:
    found = (_ratio(stack["layers"][0], stack["layers"][-1]) for stack in moment["gradients"].values())
    return [0.0 if ratio is None else ratio for ratio in found]


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b else a / b


def _number(value: float | None, form: str = ".2g") -> str:
    return "-" if value is None else format(value, form)
