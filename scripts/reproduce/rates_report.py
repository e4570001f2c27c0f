"""The page of rates.py: a table a group of controls."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from controlled_training import LOG, Control
from rate_controls import Group, Line
from sweep import FINISHED, Run, stopped_by, trained_with

COLUMNS = ("training", "seeds", "loss", "another source", "spread", "at 25", "at 50", "at 100")


def write_report(path: Path, groups: Mapping[str, Group], folder: Path, run_of: Callable[[Control, int], Run]) -> None:
    """Write *path* (markdown) of the trainings that are finished; those that are not have a row that says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Rates by depth: the controls",
        "",
        "`python scripts/reproduce/rates.py DATA`. Width 64, feed-forward 128, 4 heads, Multi30k English-German, about "
        "1,100 target tokens an update, a warm-up of 50 updates and a constant rate after it, no dropout, Adam's betas "
        "0.9 and 0.98, where a table says nothing else. The factor is beta_e / alpha_e of DeepNorm's encoder "
        "(`mtdeep/nn/depth.py`), on all parameters of the encoder's layers.",
        "",
        "Loss: of validation, in bits a token. Another source: by how many bits another sentence's raises it. Spread: "
        "standard deviation over tokens of the encoder's output by its size, at the end and after 25, 50 and 100 "
        "updates. Of several seeds the median, with the smallest and the largest where they differ.",
    ]
    made: list[str] = []
    for name, group in groups.items():
        lines += ["", f"## {name}", "", group.question, "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        for line in group.lines:
            runs = [run_of(control, line.updates) for control in line.controls]
            lines.append(_row(line, [folder / run.name for run in runs]))
            made += [version for run in runs for version in trained_with(folder / run.name)]
    lines += ["", *[f"- Trained with {version}." for version in dict.fromkeys(made)], ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def _row(line: Line, folders: Sequence[Path]) -> str:
    finished = [folder for folder in folders if (folder / FINISHED).exists()]
    if not finished:
        return f"| {line.name} | {'| ' * (len(COLUMNS) - 2)} not trained |"
    stopped = [folder for folder in finished if stopped_by(folder)]
    curves = [_validation(folder / LOG) for folder in finished if folder not in stopped]
    if not curves:
        return f"| {line.name} | {len(finished)} | not finite {'| ' * (len(COLUMNS) - 3)}|"
    cells = [
        *[_median([curve[line.updates][key] for curve in curves]) for key in ("loss", "gap", "spread")],
        *[_median([curve[at]["spread"] for curve in curves if at in curve]) for at in (25, 50, 100)],
    ]
    seeds = f"{len(curves)}" + (f", {len(stopped)} not finite" if stopped else "")
    return f"| {line.name} | {seeds} | {' | '.join(cells)} |"


def _median(values: Sequence[float]) -> str:
    if not values:
        return ""
    texts = [_number(statistics.median(values)), _number(min(values)), _number(max(values))]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} ({texts[1]} to {texts[2]})"


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _validation(log: Path) -> dict[int, dict[str, float]]:
    """Return {updates: {what: value}}."""
    curve: dict[int, dict[str, float]] = {}
    for text in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(text)
        if "valid_num_updates" in entry:
            values = {name.removeprefix("valid_"): float(value) for name, value in entry.items() if name != "epoch"}
            curve[int(entry["valid_num_updates"])] = values
    return curve
