"""What every plot of a report is made with: its size, its axes, and its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from mtdeep.durable import write_atomically

DOTS_PER_INCH = 110
_SMALLEST = 1e-12  # what a logarithmic axis shows of zero


@dataclass(frozen=True)
class Picture:
    """A PNG, its title, and what to look for in it."""

    path: Path
    title: str
    healthy: str


def numbers_of(values: Sequence[float | None], logarithmic: bool = False) -> np.ndarray:
    """Return the values, NaN where there is none, and nothing below what a logarithmic axis can show."""
    found = np.array([np.nan if value is None else value for value in values], dtype=float)
    return np.maximum(found, _SMALLEST) if logarithmic else found


def logarithmic_axis(axes: Axes, direction: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, with plain numbers: 1, 2, 5, 10 ... where it spans two decades or less."""
    axes.set(**{f"{direction}scale": "log"})
    axis = axes.xaxis if direction == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high <= 100 * low else (1.0,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def whole_numbers(axes: Axes, label: str) -> None:
    """Give the horizontal axis, which counts layers, ticks at whole numbers alone, and a label."""
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def new_figure(*, width: float, height: float) -> Figure:
    """Return an empty figure; its sizes are in inches."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, picture: Picture) -> Picture | None:
    """Write the picture, but for the panels that show no number; None, and no file, where none does."""
    for axes in [*figure.axes]:
        if not np.isfinite(axes.dataLim.x0):  # of what is drawn, without the threshold's line
            axes.remove()
    if not figure.axes:
        return None
    write_atomically(picture.path, lambda partial: figure.savefig(partial, format="png", metadata={"Software": None}))
    return picture
