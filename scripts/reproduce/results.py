"""What controlled trainings have come to, kept beside the page: no machine need stay for a page to grow.

The file is JSON: {name of the training: result}, a line each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sweep import FINISHED, LOG, Run, stopped_by, trained_with

from mtdeep.durable import write_atomically

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """How a training went."""

    curve: Mapping[int, Figures]
    """{updates: {what: value}} of its validations."""
    stopped: str | None
    """What ended it before its end: loss or gradient were not finite."""
    made_with: list[str]
    """Machine and versions; several when it was gone on with elsewhere."""

    def at_end(self, updates: int) -> Figures | None:
        """Return the figures after the last update; None: it was stopped before."""
        return None if self.stopped else self.curve[updates]


Results = Mapping[str, Result]
"""By the name of the training."""


def read_results(path: Path) -> dict[str, Result]:
    """Return what is kept at *path*; nothing where no file is."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {
        name: Result(**{**fields, "curve": {int(update): figures for update, figures in fields["curve"].items()}})
        for name, fields in kept.items()
    }


def write_results(path: Path, results: Results) -> None:
    """Keep *results* at *path*."""
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(results[name]))}" for name in sorted(results)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8"))


def finished(runs: Iterable[Run], folder: Path) -> dict[str, Result]:
    """Return the results of those trainings in *folder* that are over."""
    places = {run.name: folder / run.name for run in runs if (folder / run.name / FINISHED).exists()}
    return {
        name: Result(_validations(place / LOG), stopped_by(place), trained_with(place))
        for name, place in places.items()
    }


def _validations(log: Path) -> dict[int, Figures]:
    curve: dict[int, Figures] = {}
    for text in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(text)
        if (update := entry.pop("valid_num_updates", None)) is not None:
            curve[int(update)] = {
                name.removeprefix("valid_"): float(value) for name, value in entry.items() if name != "epoch"
            }
    return curve
