"""The page of a reproduction by controlled_training.py: a table a group of controls."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from controlled import Groups, Line, Page
from results import Results

COLUMNS = ("training", "seeds", "loss", "another source", "spread", "at 25", "at 50", "at 100")
LEGEND = (
    "Loss: of validation, in bits a token. Another source: by how many bits another sentence's raises it. Spread: "
    "standard deviation over tokens of the encoder's output by its size, at the end and after 25, 50 and 100 updates. "
    "Of several seeds the median, with the smallest and the largest where they differ."
)


def write_report(path: Path, page: Page, groups: Groups, results: Results) -> None:
    """Write *path* (markdown) of the trainings that have a result; those that have none are named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# {page.title}", "", f"`python scripts/reproduce/{page.name}.py DATA`. {page.about}", ""]
    lines += page.summary(groups, results)
    if page.draw is not None:
        picture = path.with_suffix(".png")
        page.draw(groups, results, picture)
        lines += [f"![{page.title}]({picture.name})", ""]
    lines += [LEGEND, ""]
    made: list[str] = []
    for name, group in groups.items():
        lines += [f"## {name}", "", group.question, ""]
        trained = [line for line in group.lines if line.results(results)]
        if trained:
            lines += [*table(COLUMNS, [_cells(line, results) for line in trained]), ""]
        if waiting := [line.name for line in group.lines if line not in trained]:
            lines += [f"Not trained yet: {'; '.join(waiting)}.", ""]
        made += [version for line in group.lines for result in line.results(results) for version in result.made_with]
    lines += [*[f"- Trained with {version}." for version in dict.fromkeys(made)], ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a markdown table."""
    head, *lines = (f"| {' | '.join(cells)} |" for cells in (titles, *rows))
    return [head, "|---" * len(titles) + "|", *lines]


def _cells(line: Line, results: Results) -> list[str]:
    ended = line.results(results)
    curves = [result.curve for result in ended if not result.stopped]
    stopped = len(ended) - len(curves)
    seeds = f"{len(curves)}" + (f", {stopped} not finite" if stopped else "")
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
