"""Curves from the file that `fairseq-train --log-format json --log-file FILE` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class TrainingPoint(NamedTuple):
    """Averages over the updates of one log interval, which ends at *updates*."""

    updates: int
    nll_loss: float
    """Bits a token, without label smoothing."""
    gradient_norm: float


def entries(log: Path) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield (seconds of training so far, entry) of each JSON line.

    fairseq prints the same line several times, prints its configuration too, and starts its clock anew when a training
    goes on: then the seconds of the runs before are added.
    """
    before = wall = 0.0
    for line in log.read_text(encoding="utf-8").splitlines():
        found = re.search(r'\{"epoch".*\}$', line)
        if found is None:
            continue
        entry = json.loads(found[0])
        if "wall" in entry:
            seconds = float(entry["wall"])
            if seconds < wall:
                before += wall
            wall = seconds
        yield before + wall, entry


def validation_curve(log: Path) -> list[tuple[float, int, float]]:
    """Return (seconds of training, updates, validation loss in bits a token), by updates."""
    points: dict[int, tuple[float, int, float]] = {}
    for seconds, entry in entries(log):
        if "valid_nll_loss" in entry:
            updates = int(entry["valid_num_updates"])
            points.setdefault(updates, (seconds, updates, float(entry["valid_nll_loss"])))
    return [points[updates] for updates in sorted(points)]


def training_curve(log: Path) -> list[TrainingPoint]:
    """Return the points of every log interval, by updates."""
    points: dict[int, TrainingPoint] = {}
    for _, entry in entries(log):
        if "gnorm" in entry:
            updates = int(entry["num_updates"])
            points.setdefault(updates, TrainingPoint(updates, float(entry["nll_loss"]), float(entry["gnorm"])))
    return [points[updates] for updates in sorted(points)]


def training_seconds(log: Path) -> float:
    """Return the wall-clock seconds of all runs that wrote the log, validation and saving included."""
    return max((seconds for seconds, _ in entries(log)), default=0.0)


def last_update(log: Path) -> int:
    """Return the last update that was logged, or 0; reads the end of the file only, for a look now and then."""
    if not log.exists():
        return 0
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        found = re.findall(rb'"num_updates": "(\d+)"', file.read())
    return int(found[-1]) if found else 0
