"""The report's plots, each a PNG with a line that says what a healthy network looks like.

A stack is a panel; the horizontal axis is depth relative to the stack's own, so that 6 layers and 500 can be compared.
Solid lines are before the first update, dashed lines after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mtdeep.probe.curves import CURVES, Curve
from mtdeep.probe.figures import Picture, logarithmic_axis, new_figure, numbers_of, save
from mtdeep.probe.growth import growths
from mtdeep.probe.records import Record

MARKS = {"start": "-", "end": "--"}


def draw_all(records: Sequence[Record], folder: Path) -> list[Picture]:
    """Write every picture of the report that has something in it; return them in the order in which they are read."""
    colours = _colours(records)
    first, *others = CURVES
    drawn = [
        _draw_curve(first, records, colours, folder),
        _draw_updates(records, folder / "model_update.png"),
        _draw_sgd(records, colours, folder / "sgd.png"),
        *(_draw_curve(curve, records, colours, folder) for curve in others),
        _draw_losses(records, colours, folder / "loss.png"),
    ]
    return [picture for picture in drawn if picture is not None]


def _draw_curve(
    curve: Curve, records: Sequence[Record], colours: dict[str, tuple[float, ...]], folder: Path
) -> Picture | None:
    stacks = list(dict.fromkeys(stack for record in records for stack in record["start"]["gradients"]))
    figure = new_figure(width=11.0, height=1.2 + 3.2 * len(curve.rows))
    for row, (name, values) in enumerate(curve.rows.items()):
        for column, stack in enumerate(stacks):
            of_stack = [record for record in records if stack in record["start"]["gradients"]]
            axes = figure.add_subplot(len(curve.rows), len(stacks), row * len(stacks) + column + 1)
            for record in of_stack:
                for moment, style in MARKS.items():
                    numbers = numbers_of(values(record, moment, stack), curve.logarithmic)
                    depth = np.arange(len(numbers)) / max(1, len(numbers) - 1)
                    axes.plot(depth, numbers, style, color=colours[record["name"]], linewidth=1.3)
            if curve.line is not None:
                axes.axhline(curve.line, color="black", linestyle=":", linewidth=1.0)
            if curve.logarithmic:
                logarithmic_axis(axes, "y")
            axes.set_xlim(0, 1)
            axes.set_title(f"{stack}: {name}" if name else stack, fontsize=10)
            axes.set_xlabel("depth (0: embeddings, 1: highest layer)")
            axes.set_ylabel(curve.label if column == 0 or row == 2 else "")
            axes.grid(alpha=0.25)
    _legend(figure, records, colours)
    return save(figure, Picture(folder / curve.file, curve.title, curve.healthy))


def _draw_updates(records: Sequence[Record], path: Path) -> Picture | None:
    figure = new_figure(width=11.0, height=1.6 + 0.3 * len(records))
    axes = figure.add_subplot()
    rows = np.arange(len(records))
    for key, marker, label in (("after_one", "o", "one update of the peak rate"), ("after_all", "s", "all updates")):
        for stack, colour in (("encoder", "#4477aa"), ("decoder", "#cc6677")):
            values = [record[key].get(stack, {}).get("relative") for record in records]
            axes.plot(numbers_of(values, True), rows, marker, color=colour, alpha=0.8, label=f"{stack}, {label}")
    logarithmic_axis(axes, "x")
    axes.set_yticks(rows, [record["name"] for record in records], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("||F(x, theta*) - F(x, theta_0)|| / ||F(x, theta_0)||")
    axes.grid(alpha=0.25)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    healthy = (
        "Healthy: small, and alike at every depth. Outputs that are normalised cannot move by more than twice their"
        " size, so large updates all look alike here; the plot below has no such bound."
    )
    return save(figure, Picture(path, "Model update: how far Adam moves the outputs", healthy))


def _draw_sgd(records: Sequence[Record], colours: dict[str, tuple[float, ...]], path: Path) -> Picture | None:
    figure = new_figure(width=11.0, height=4.4)
    for place, key in enumerate(("matrices", "layers"), start=1):
        axes = figure.add_subplot(1, 2, place)
        for growth in growths(records):
            exponent = getattr(growth, f"{key}_exponent")
            label = growth.names[0] if exponent is None else f"{growth.names[0]} and on ~ depth^{exponent:.2f}"
            axes.plot(growth.depths, getattr(growth, key), "o-", color=colours[growth.names[-1]], label=label)
        logarithmic_axis(axes, "x")
        logarithmic_axis(axes, "y")
        axes.set_xticks(sorted({_depth(record) for record in records}), minor=False)
        axes.minorticks_off()
        axes.set_title("matrices alone" if key == "matrices" else "all parameters of the layers", fontsize=10)
        axes.set_xlabel("layers, encoder and decoder")
        axes.set_ylabel("relative update / rate" if place == 1 else "")
        axes.grid(alpha=0.25)
        if axes.lines:
            axes.legend(fontsize=8)
    healthy = (
        "Healthy: level over depth on the left, as DeepNet's theorems have it for the matrices (arXiv 2203.00555,"
        " Theorem 4.3). On the right are also the gains and biases of the normalisations, of which they do not speak."
    )
    return save(figure, Picture(path, "Model update by plain gradient descent, per unit of learning rate", healthy))


def _draw_losses(records: Sequence[Record], colours: dict[str, tuple[float, ...]], path: Path) -> Picture | None:
    figure = new_figure(width=11.0, height=4.4)
    axes = figure.add_subplot(1, 2, 1)
    for record in records:
        losses = [update["nll"] for update in record["updates"]]
        axes.plot(np.arange(1, len(losses) + 1), numbers_of(losses, False), color=colours[record["name"]])
    axes.set_xlabel("update")
    axes.set_ylabel("nats per token")
    axes.set_title("training batches", fontsize=10)
    axes.grid(alpha=0.25)
    gap = figure.add_subplot(1, 2, 2)
    for record in records:
        tests = [record[moment]["source"] or {"nll_other": None, "nll_own": None} for moment in MARKS]
        pairs = [(test["nll_other"], test["nll_own"]) for test in tests]
        values = [None if None in pair else pair[0] - pair[1] for pair in pairs]
        gap.plot([0, len(record["updates"])], numbers_of(values, False), "o-", color=colours[record["name"]])
    gap.set_xlabel("update")
    gap.set_title("loss with another sentence's source, minus loss with the own", fontsize=10)
    gap.grid(alpha=0.25)
    _legend(figure, records, colours, moments=False)
    healthy = (
        "Healthy: falls. In the first updates words are learnt by their frequency, even by a model that will not train;"
        " on the right, a model that has learnt to use its source is clearly above 0."
    )
    return save(figure, Picture(path, "Loss, and loss with another sentence's source", healthy))


def _colours(records: Sequence[Record]) -> dict[str, tuple[float, ...]]:
    """A hue for each scheme, the darker the deeper."""
    schemes = list(dict.fromkeys(record["config"]["scheme"] for record in records))
    hues = ("Blues", "Oranges", "Greens", "Purples", "Reds", "Greys", "YlOrBr", "BuPu")
    found = {}
    for i, scheme in enumerate(schemes):
        family = sorted((record for record in records if record["config"]["scheme"] == scheme), key=_depth)
        shades = np.linspace(0.5, 0.95, len(family)) if len(family) > 1 else [0.75]
        for record, shade in zip(family, shades, strict=True):
            found[record["name"]] = colormaps[hues[i % len(hues)]](shade)
    return found


def _depth(record: Record) -> int:
    return int(record["config"]["encoder_layers"] + record["config"]["decoder_layers"])


def _legend(
    figure: Figure, records: Sequence[Record], colours: dict[str, tuple[float, ...]], moments: bool = True
) -> None:
    handles = [Line2D([], [], color=colours[record["name"]], label=record["name"]) for record in records]
    if moments:
        handles += [Line2D([], [], color="grey", linestyle="-", label="before"),
                    Line2D([], [], color="grey", linestyle="--", label="after")]  # fmt: skip
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, frameon=False)
