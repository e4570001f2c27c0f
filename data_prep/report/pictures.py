"""The report's heat maps, each a PNG: sentence pairs by two languages, and lengths by language.

Both are readable from a few languages to some 130: cells shrink, but never below the height of a name.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from mtdeep.tables import short

COLOURS, GAP = "viridis", "#d9d9d9"
SHARES = "Blues"  # white for none
DOTS_PER_INCH = 120
NUMBERS_UP_TO = 12  # languages; beyond, cells are too small for them
_NAMES_ALL_AROUND = 40  # languages; beyond, an edge is far away from most of the cells
_POINTS = 72  # an inch


def draw_pairs(languages: Sequence[str], pairs: Sequence[Sequence[int]]) -> bytes:
    """Return the matrix of sentence pairs, those with most of them first; colours are logarithmic, gaps grey."""
    matrix = np.array(pairs, dtype=np.int64).reshape(len(languages), len(languages))
    order = np.argsort(-matrix.sum(axis=1), kind="stable")
    names, matrix = [languages[i] for i in order.tolist()], matrix[np.ix_(order, order)]
    cell = float(np.clip(8.5 / len(names), 0.095, 0.7))
    side = max(cell * len(names), 2.5)
    figure, axes = _figure(side + 2.0, side + 1.2)
    smallest, largest = pair_range(matrix)
    norm = LogNorm(smallest, largest)
    axes.imshow(pair_colours(matrix), interpolation="nearest")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(range(len(names)), names, fontsize=_font(cell))
    around = len(names) > _NAMES_ALL_AROUND
    axes.tick_params(length=1, pad=1, labeltop=around, labelright=around)
    axes.set_xlabel("language")
    axes.set_ylabel("language")
    axes.tick_params(axis="x", rotation=90)
    if len(names) <= NUMBERS_UP_TO:
        for row, column in np.argwhere(matrix > 0).tolist():
            count = int(matrix[row, column])
            colour = "black" if norm(count) > 0.6 else "white"
            axes.text(column, row, short(count), ha="center", va="center", fontsize=8, color=colour)
    bar = figure.colorbar(ScalarMappable(norm, COLOURS), ax=axes, shrink=0.7, aspect=30, pad=0.02)
    bar.set_label("sentence pairs")
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if largest < 1000 * smallest else (1,)))
    bar.ax.yaxis.set_major_formatter(lambda count, _: short(round(count)))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    return _png(figure)


def pair_range(matrix: np.ndarray) -> tuple[float, float]:
    """Return the counts where the logarithmic colours begin and end, a factor of ten apart at least."""
    largest = float(matrix.max(initial=1))
    smallest = float(matrix[matrix > 0].min(initial=largest))
    return min(smallest, largest / 10), largest


def pair_colours(matrix: np.ndarray) -> np.ndarray:
    """Return the colour of each cell, (languages, languages, 4): grey where there is no pair, white on the diagonal."""
    smallest, largest = pair_range(matrix)
    colours: np.ndarray = colormaps[COLOURS](LogNorm(smallest, largest)(np.maximum(matrix, smallest)))
    colours[matrix == 0] = to_rgba(GAP)
    np.einsum("iic->ic", colours)[:] = 1.0
    return colours


def draw_lengths(edges: Sequence[int], histograms: Mapping[str, Sequence[int]]) -> bytes:
    """Return the lengths' histograms, a row a language: the share of its sentences in each bin, the shortest first.

    Languages without a sentence are left out, and so are bins beyond the longest sentence.
    """
    counts = {language: np.array(bins, dtype=float) for language, bins in histograms.items() if any(bins)}
    shares = {language: bins / bins.sum() for language, bins in counts.items()}
    names = sorted(shares, key=lambda language: float(shares[language] @ np.arange(len(edges) + 1)))
    cell = float(np.clip(6 / max(1, len(names)), 0.095, 0.35))
    figure, axes = _figure(9.0, max(cell * len(names), 1.6) + 1.2)  # the bar's label needs 1.6 inches
    grid = np.stack([shares[name] for name in names]) if names else np.zeros((1, len(edges) + 1))
    used = int(np.flatnonzero(grid.any(axis=0)).max(initial=0)) + 1
    grid = grid[:, :used]
    image = axes.imshow(grid, cmap=SHARES, vmin=0, interpolation="nearest", aspect="auto")
    axes.set_yticks(range(len(names)), names, fontsize=_font(cell))
    axes.set_xticks(range(used), bin_names(edges)[:used], rotation=90, fontsize=8)
    axes.tick_params(length=1, pad=1, labeltop=len(names) > _NAMES_ALL_AROUND)
    axes.set_xlabel("tokens a sentence")
    axes.set_ylabel("language")
    figure.colorbar(image, ax=axes, pad=0.02).set_label("share of the sentences")
    return _png(figure)


def bin_names(edges: Sequence[int]) -> list[str]:
    """Return what each bin of whole numbers from 1 on is called, one more than there are edges."""
    starts = [1, *edges]
    ends = [edge - 1 for edge in edges]
    return [*(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends)), f"{starts[-1]} and more"]


def _font(cell: float) -> float:
    """Return the size of names that stand *cell* inches from one another."""
    return min(10.0, 0.85 * _POINTS * cell)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
