"""The plots of how depth is used: a row for each checkpoint, a column for each stack, over the number of the layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

from mtdeep.probe.figures import Picture, new_figure, numbers_of, save, whole_numbers
from mtdeep.probe.records import Record
from mtdeep.probe.use.branches import KINDS, Kind
from mtdeep.probe.use.table import LITTLE

COLOURS: dict[Kind, str] = {"self-attention": "#4477aa", "cross-attention": "#cc6677", "feed-forward": "#228833"}
Draw = Callable[[Axes, Record], None]
"""(axes, record of a stack)."""


@dataclass(frozen=True)
class Plot:
    """A picture: file name, title, how it is read, the vertical axis, and what draws a stack; linear: up to where."""

    file: str
    title: str
    meaning: str
    label: str
    draw: Draw
    horizontal: str = "layer"
    linear: float | None = None


def _of_branches(measure: str, field: str) -> Draw:
    def draw(axes: Axes, stack: Record) -> None:
        axes.grid(alpha=0.25)
        for kind in KINDS:
            entries = [entry for entry in stack[measure] if entry["kind"] == kind]
            layers, values = [entry["layer"] for entry in entries], numbers_of([entry[field] for entry in entries])
            axes.plot(layers, values, "o-", color=COLOURS[kind], label=kind, markersize=3)

    return draw


def _read_off(axes: Axes, stack: Record) -> None:
    axes.grid(alpha=0.25)
    depths = [reading["depth"] for reading in stack["readings"]]
    for field, label, colour in (("nll", "loss", "#222222"), ("divergence", "KL from the model's own", "#aa3377")):
        values = numbers_of([reading[field] for reading in stack["readings"]])
        axes.plot(depths, values, "o-", color=colour, label=label, markersize=3)
    overlap = axes.twinx()
    values = numbers_of([reading["overlap"] for reading in stack["readings"]])
    overlap.plot(depths, values, "--", color="#66ccee")
    axes.plot([], [], "--", color="#66ccee", label="five likeliest in common (right)")
    overlap.set_ylim(0, 1.02)


def _pruned(axes: Axes, stack: Record) -> None:
    axes.grid(alpha=0.25)
    losses, alone = (numbers_of(stack["pruning"][name]) for name in ("losses", "costs"))
    gone = np.arange(len(losses))
    axes.plot(gone, losses - losses[0], "o-", color="#4477aa", markersize=3, label="together, the cheapest first")
    axes.plot(gone[1:], np.sort(alone), ".", color="#888888", label="each alone, in that order")


def _mapped(axes: Axes, stack: Record) -> None:
    depths = stack["distances"]["depths"]
    values = np.array([numbers_of(row) for row in stack["distances"]["matrix"]])
    if not np.isfinite(values).any():
        return
    highest = max(0.5, float(np.nanmax(values)))
    image = axes.pcolormesh(depths, depths, values, shading="nearest", cmap="viridis", vmin=0, vmax=highest)
    axes.set_aspect("equal")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.figure.colorbar(image, ax=axes, shrink=0.85)


PLOTS = (
    Plot(
        "use_skips.png",
        "What a branch costs that is skipped",
        "The branch gives zeros, its residual and normalisations stay. Near 0: the model does as well without it, below"
        f" 0 better. Below {LITTLE:g} is little; where some cost far more, the axis is logarithmic there.",
        "nats per token",
        _of_branches("skips", "cost"),
        linear=LITTLE,
    ),
    Plot(
        "use_effects.png",
        "Causal score of a branch: by how much the layers above change what they do without it",
        "Mean over the measured layers above of ||u(skipped) - u|| / ||u||, u being what a layer changes in the states."
        " Near 0: they do not build upon it.",
        "relative change",
        _of_branches("skips", "effect"),
    ),
    Plot(
        "use_swaps.png",
        "What it costs to swap a branch with that of the layer above",
        "Near 0: the two could stand in either order, each refines what is there; high: the second needs the first.",
        "nats per token",
        _of_branches("swaps", "cost"),
        linear=LITTLE,
    ),
    Plot(
        "use_angles.png",
        "By what angle each branch turns the states",
        "arccos(cos) / pi of the states before a branch joins and after, mean over the tokens. Near 0: it leaves their"
        " direction as it was.",
        "angle / pi",
        _of_branches("states", "distance"),
    ),
    Plot(
        "use_shares.png",
        "Each branch's share of what its layer changes in the states",
        "Norm of the change by the branch, residual and normalisation included, divided by the sum over the layer's"
        " branches. A decoder in which cross-attention has no share reads no source.",
        "share",
        _of_branches("states", "share"),
    ),
    Plot(
        "use_angle_map.png",
        "Angles between the states at all depths",
        "arccos(cos) / pi; 0 are the embeddings. Dark blocks on the diagonal are layers between which little turns.",
        "depth",
        _mapped,
        "depth",
    ),
    Plot(
        "use_readings.png",
        "What is read off at each depth",
        "The states there, finished as the stack finishes its own, in the place of its output: of the last stack the"
        " logit lens, of the encoder what the decoder makes of them. Level towards the right: the layers there add"
        " nothing.",
        "nats per token",
        _read_off,
        "depth (0: embeddings)",
    ),
    Plot(
        "use_pruning.png",
        "What the loss rises by when layers are taken out",
        "Whole layers, which the stream then passes by, one after another, those first that cost least alone. While it"
        " stays near 0, the layers are not needed.",
        "nats per token",
        _pruned,
        "layers taken out",
    ),
)


def draw_all(records: Sequence[Record], folder: Path) -> list[Picture]:
    """Write every picture that has something in it; return them in the order in which they are read."""
    drawn = [*(_draw(plot, records, folder) for plot in PLOTS), _draw_sources(records, folder)]
    return [picture for picture in drawn if picture is not None]


def _draw(plot: Plot, records: Sequence[Record], folder: Path) -> Picture | None:
    stacks = list(dict.fromkeys(name for record in records for name in record["stacks"]))
    figure = new_figure(width=11.0, height=0.8 + 3.2 * len(records))
    for row, record in enumerate(records):
        for name, stack in record["stacks"].items():
            axes = figure.add_subplot(len(records), len(stacks), row * len(stacks) + stacks.index(name) + 1)
            plot.draw(axes, stack)
            if plot.linear is not None:
                _costs_axis(axes, plot.linear)
            axes.set_title(f"{record['name']}: {name}", fontsize=10)
            whole_numbers(axes, plot.horizontal)
            axes.set_ylabel(plot.label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure)
    return save(figure, Picture(folder / plot.file, plot.title, plot.meaning))


def _costs_axis(axes: Axes, linear: float) -> None:
    """Mark 0, and make the axis logarithmic beyond *linear* where costs go far beyond it."""
    axes.axhline(0, color="black", linewidth=0.8)
    low, high = axes.get_ylim()
    if max(-low, high) > 5 * linear:
        axes.set_yscale("symlog", linthresh=linear)
        axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=linear, subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.autoscale(axis="y")


def _draw_sources(records: Sequence[Record], folder: Path) -> Picture | None:
    figure = new_figure(width=11.0, height=4.0)
    axes = figure.add_subplot()
    for record in records:
        source = record["source"]
        if source is not None and source["together"] is not None:
            costs = numbers_of(source["costs"])
            label = f"{record['name']} (in all layers: {source['together']:.3f})"
            axes.plot(source["layers"], costs, "o-", markersize=3, label=label)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    whole_numbers(axes, "layer of the decoder")
    axes.set_ylabel("nats per token")
    axes.grid(alpha=0.25)
    _legend(figure)
    meaning = (
        "Cross-attention of one layer reads the source of another sentence of the direction, all others their own."
        " Where it costs nothing, the layer takes nothing from the source that others do not bring too."
    )
    return save(figure, Picture(folder / "use_sources.png", "What another source costs in one layer alone", meaning))


def _legend(figure: Figure) -> None:
    """Explain the lines of all panels once."""
    labels = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels())}
    if labels:
        figure.legend(labels.values(), labels.keys(), loc="outside right upper", fontsize=8, frameon=False)
