"""The page of a reproduction by controlled_training.py: a table a group of controls."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from controlled import Group, Line, Page
from controlled_training import LOG
from sweep import FINISHED, stopped_by, trained_with

COLUMNS = ("training", "seeds", "loss", "another source", "spread", "at 25", "at 50", "at 100")
LEGEND = (
    "Loss: of validation, in bits a token. Another source: by how many bits another sentence's raises it. Spread: "
    "standard deviation over tokens of the encoder's output by its size, at the end and after 25, 50 and 100 updates. "
    "Of several seeds the median, with the smallest and the largest where they differ."
)


def write_report(path: Path, page: Page, groups: Mapping[str, Group], folder: Path) -> None:
    """Write *path* (markdown) of the trainings that are finished; those that are not have a row that says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# {page.title}", "", f"`python scripts/reproduce/{page.name}.py DATA`. {page.about}", ""]
    lines += page.summary(groups, folder)
    if page.draw is not None:
        picture = path.with_suffix(".png")
        page.draw(groups, folder, picture)
        lines += [f"![{page.title}]({picture.name})", ""]
    lines.append(LEGEND)
    made: list[str] = []
    for name, group in groups.items():
        lines += ["", f"## {name}", "", group.question, ""]
        lines += table(COLUMNS, [_cells(line, folder) for line in group.lines])
        made += [version for line in group.lines for run in line.runs for version in trained_with(folder / run.name)]
    lines += ["", *[f"- Trained with {version}." for version in dict.fromkeys(made)], ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    head, *lines = (f"| {' | '.join(cells)} |" for cells in (titles, *rows))
    return [head, "|---" * len(titles) + "|", *lines]


def outcomes(line: Line, folder: Path) -> list[dict[int, dict[str, float]] | None]:
    """Return {updates: {what: value}} of each training that is finished; None where it ended as not finite."""
    finished = [folder / run.name for run in line.runs if (folder / run.name / FINISHED).exists()]
    return [None if stopped_by(each) else _validation(each / LOG) for each in finished]


def _cells(line: Line, folder: Path) -> list[str]:
    finished = outcomes(line, folder)
    curves = [curve for curve in finished if curve is not None]
    stopped = len(finished) - len(curves)
    seeds = f"{len(curves)}" + (f", {stopped} not finite" if stopped else "")
    if not finished:
        return [line.name, "0", "not trained", *[""] * (len(COLUMNS) - 3)]
    ends = [curve[line.updates] for curve in curves]
    return [
        line.name,
        seeds,
        *[_median([end[key] for end in ends]) for key in ("loss", "gap", "spread")],
        *[_median([curve[at]["spread"] for curve in curves if at in curve]) for at in (25, 50, 100)],
    ]


def _median(values: Sequence[float]) -> str:
    if not values:
        return ""
    median, lowest, highest = (_number(of(values)) for of in (statistics.median, min, max))
    return median if lowest == highest else f"{median} ({lowest} to {highest})"


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
