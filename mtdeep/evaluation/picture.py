"""A matrix as a heat map: rows are sources, columns targets, averages on the right and below."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from mtdeep.durable import write_atomically
from mtdeep.evaluation.matrix import Matrix, note_on_signatures

NUMBERS_UP_TO = 20  # languages; beyond, cells are too small to read
COLOURS = "viridis"
GAP, NOT_ASKED = "#d9d9d9", "#ffffff"
DOTS_PER_INCH = 120
SMALLEST, LARGEST = 6.0, 22.0  # inches of a side


def draw(matrix: Matrix, path: Path, title: str) -> None:
    """Write a PNG; *title* stands above metric, average and signature."""
    grid = values_with_averages(matrix)
    count = len(matrix.languages)
    side = float(np.clip(2.5 + 0.55 * count, SMALLEST, LARGEST))
    figure = Figure(figsize=(side + 1.0, side + 0.8), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    finite = grid[np.isfinite(grid)]
    norm = Normalize(float(finite.min()) if finite.size else 0.0, float(finite.max()) if finite.size else 1.0)
    axes.set_facecolor(NOT_ASKED)
    image = axes.imshow(np.ma.masked_invalid(grid), cmap=COLOURS, norm=norm, interpolation="nearest", zorder=1)
    _mark_gaps(axes, matrix)
    _label(axes, matrix, side)
    if count <= NUMBERS_UP_TO:
        _write_numbers(axes, grid, norm)
    width = min(4.0, 0.2 * 72 * side / (count + 1))  # points, a fifth of a cell at most
    axes.axhline(count - 0.5, color="white", linewidth=width, zorder=2)
    axes.axvline(count - 0.5, color="white", linewidth=width, zorder=2)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=30)
    bar.set_label(matrix.metric)
    size = float(np.clip(side, 9, 16))
    axes.set_title(_caption(matrix, title, int(120 * side / size)), fontsize=size, loc="left")
    write_atomically(path, lambda partial: figure.savefig(partial, format="png", metadata={"Software": None}))


def values_with_averages(matrix: Matrix) -> np.ndarray:
    """Return (languages + 1, languages + 1): scores, averages in the last row and column, NaN where there is none."""
    count = len(matrix.languages)
    grid = np.full((count + 1, count + 1), np.nan)
    place = {language: i for i, language in enumerate(matrix.languages)}
    for direction, value in matrix.values.items():
        grid[place[direction.source], place[direction.target]] = value
    for language, i in place.items():
        for cell, average in (((i, count), matrix.average_from(language)), ((count, i), matrix.average_to(language))):
            grid[cell] = np.nan if average.value is None else average.value
    overall = matrix.average().value
    grid[count, count] = np.nan if overall is None else overall
    return grid


def _caption(matrix: Matrix, title: str, width: int) -> str:
    lines = [title, f"{matrix.metric}, average {matrix.average()}", note_on_signatures(matrix)]
    if gaps := len(matrix.gaps()):
        lines.append(f"grey: {gaps} of {len(matrix.expected)} directions have no score and stand in no average")
    return "\n".join("\n".join(textwrap.wrap(line, width)) for line in lines)


def _mark_gaps(axes: Axes, matrix: Matrix) -> None:
    place = {language: i for i, language in enumerate(matrix.languages)}
    gaps = np.full((len(place) + 1, len(place) + 1, 4), 0.0)
    shade = int(GAP[1:3], 16) / 255
    for direction in matrix.gaps():
        gaps[place[direction.source], place[direction.target]] = (shade, shade, shade, 1.0)
    axes.imshow(gaps, interpolation="nearest", zorder=1.5)


def _label(axes: Axes, matrix: Matrix, side: float) -> None:
    names = [*matrix.languages, "average"]
    # 72 points an inch, of which a row of names may take nine tenths.
    size = float(np.clip(0.8 * 72 * (side - 2) / len(names), 4, 10))
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=2)
    axes.set_xlabel("to")
    axes.set_ylabel("from")


def _write_numbers(axes: Axes, grid: np.ndarray, norm: Normalize) -> None:
    for row, column in np.argwhere(np.isfinite(grid)):
        value = grid[row, column]
        colour = "black" if norm(value) > 0.6 else "white"
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color=colour, zorder=3)
