"""The report's plots, each a PNG with a line that says what a healthy network looks like.

A stack is a panel; the horizontal axis is depth relative to the stack's own, so that 6 layers and 500 can be compared.
Solid lines are before the first update, dashed lines after the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from mtdeep.durable import write_atomically
from mtdeep.probe.growth import growths
from mtdeep.probe.verdict import EQUAL_STATES, LOST_GRADIENT

Record = dict[str, Any]
DOTS_PER_INCH = 110
MARKS = {"start": "-", "end": "--"}
_SMALLEST = 1e-12  # what a logarithmic axis shows of zero


@dataclass(frozen=True)
class Picture:
    """A PNG, its title, and what to look for in it."""

    path: Path
    title: str
    healthy: str


@dataclass(frozen=True)
class Curve:
    """A number of every layer: file name, title, what to look for, where it is in a record, and its axis.

    values: (record, moment, stack) -> the number of layers 0, 1, ... line: a threshold of the verdict, drawn dotted.
    """

    file: str
    title: str
    healthy: str
    label: str
    values: Callable[[Record, str, str], list[float | None]]
    logarithmic: bool = False
    line: float | None = None


def _of_states(name: str) -> Callable[[Record, str, str], list[float | None]]:
    def values(record: Record, moment: str, stack: str) -> list[float | None]:
        return [layer[name] for layer in record[moment]["states"][stack]["layers"]]

    return values


def _relative_gradients(record: Record, moment: str, stack: str) -> list[float | None]:
    norms = record[moment]["gradients"][stack]["layers"]
    highest = norms[-1]
    return [None, *(None if norm is None or not highest else norm / highest for norm in norms)]


def _gradients(record: Record, moment: str, stack: str) -> list[float | None]:
    return [None, *record[moment]["gradients"][stack]["layers"]]


def _relative_spread(record: Record, moment: str, stack: str) -> list[float | None]:
    layers = record[moment]["states"][stack]["layers"]
    return [x["spread"] / x["rms"] if x["rms"] and x["spread"] is not None else None for x in layers]


CURVES = (
    Curve(
        "gradient_reach.png",
        "Gradient of each layer, relative to the highest layer's",
        "Healthy: level, or falling a little towards the left; Pre-LN is level, and Post-LN decays as (2/3)^((L-l)/2)"
        " going down (arXiv 2002.04745). Dotted: below lie networks known not to train.",
        "gradient / highest layer's",
        _relative_gradients,
        logarithmic=True,
        line=LOST_GRADIENT,
    ),
    Curve(
        "gradient_norm.png",
        "Gradient norm of each layer",
        "Healthy: neither vanishing nor exploding, and of like size at every depth (arXiv 2002.04745, Figure 3).",
        "gradient norm",
        _gradients,
        logarithmic=True,
    ),
    Curve(
        "activation_scale.png",
        "Size of the states (root mean square)",
        "Healthy: 1 behind a LayerNorm; grows as a square root of depth in Pre-LN, whose deep layers then add little"
        " (arXiv 2002.04745, Lemma 2). In float16 it must stay far below 65,504.",
        "root mean square",
        _of_states("rms"),
        logarithmic=True,
    ),
    Curve(
        "norm_input.png",
        "Size of what the LayerNorms are given",
        "Healthy: about the same before and after the first updates. Where exploding updates push it up, the gradients"
        " through the LayerNorms vanish (arXiv 2203.00555, section 3, Figures 3 and 4).",
        "root mean square",
        _of_states("norm_input"),
        logarithmic=True,
    ),
    Curve(
        "neighbour_cosine.png",
        "Cosine of a layer's states with those of the layer below",
        "Healthy: below 1, where a layer changes nothing: representation collapse, which Pre-LN tends to at depth"
        " (arXiv 2304.14802). DeepNorm starts close to 1 by design, the closer the deeper.",
        "cosine",
        _of_states("neighbour_cosine"),
    ),
    Curve(
        "kernel_cosine.png",
        "Kernel of the tokens: mean cosine between two tokens of a sentence",
        "Healthy: clearly below 1. At 1 all tokens of a sentence have one state, and nothing tells them apart"
        " (arXiv 2302.10322). A DeepNorm network may come close in its first updates and return.",
        "mean off-diagonal cosine",
        _of_states("kernel_cosine"),
    ),
    Curve(
        "effective_rank.png",
        "Effective rank of the kernel, relative to the sentence's length",
        "Healthy: well above the floor of 1 / length, at which the signal has one direction left (arXiv 2302.10322).",
        "effective rank / length",
        _of_states("effective_rank"),
        logarithmic=True,
    ),
    Curve(
        "spread.png",
        "Spread of the states over tokens, relative to their size",
        "Healthy: well above the dotted line, below which every token has the same state. A model that had lost its"
        " encoder showed it here hundreds of updates before the loss did.",
        "standard deviation / root mean square",
        _relative_spread,
        logarithmic=True,
        line=EQUAL_STATES,
    ),
)


def draw_all(records: Sequence[Record], folder: Path) -> list[Picture]:
    """Write every picture of the report and return them in the order in which they are read."""
    colours = _colours(records)
    pictures = [_draw_updates(records, folder / "model_update.png"), _draw_sgd(records, colours, folder / "sgd.png")]
    pictures[:0] = [_draw_curve(CURVES[0], records, colours, folder)]
    pictures += [_draw_curve(curve, records, colours, folder) for curve in CURVES[1:]]
    return [*pictures, _draw_losses(records, colours, folder / "loss.png")]


def _draw_curve(
    curve: Curve, records: Sequence[Record], colours: dict[str, tuple[float, ...]], folder: Path
) -> Picture:
    stacks = list(dict.fromkeys(stack for record in records for stack in record["start"]["gradients"]))
    figure = _figure(width=11.0, height=4.4)
    for place, stack in enumerate(stacks, start=1):
        axes = figure.add_subplot(1, len(stacks), place)
        for record in records:
            for moment, style in MARKS.items():
                if stack in record[moment]["gradients"]:
                    values = _numbers(curve.values(record, moment, stack), curve.logarithmic)
                    depth = np.arange(len(values)) / max(1, len(values) - 1)
                    axes.plot(depth, values, style, color=colours[record["name"]], linewidth=1.3)
        if curve.line is not None:
            axes.axhline(curve.line, color="black", linestyle=":", linewidth=1.0)
        if curve.logarithmic:
            _logarithmic(axes, "y")
        axes.set_xlim(0, 1)
        axes.set_title(stack, fontsize=10)
        axes.set_xlabel("depth (0: embeddings, 1: highest layer)")
        axes.set_ylabel(curve.label if place == 1 else "")
        axes.grid(alpha=0.25)
    _legend(figure, records, colours)
    return _save(figure, Picture(folder / curve.file, curve.title, curve.healthy))


def _draw_updates(records: Sequence[Record], path: Path) -> Picture:
    figure = _figure(width=11.0, height=1.6 + 0.3 * len(records))
    axes = figure.add_subplot()
    rows = np.arange(len(records))
    for key, marker, label in (("after_one", "o", "one update of the peak rate"), ("after_all", "s", "all updates")):
        for stack, colour in (("encoder", "#4477aa"), ("decoder", "#cc6677")):
            values = [record[key].get(stack, {}).get("relative") for record in records]
            axes.plot(_numbers(values, True), rows, marker, color=colour, alpha=0.8, label=f"{stack}, {label}")
    _logarithmic(axes, "x")
    axes.set_yticks(rows, [record["name"] for record in records], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("||F(x, theta*) - F(x, theta_0)|| / ||F(x, theta_0)||")
    axes.grid(alpha=0.25)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    healthy = (
        "Healthy: small, and alike at every depth. Outputs that are normalised cannot move by more than twice their"
        " size, so large updates all look alike here; the plot below has no such bound."
    )
    return _save(figure, Picture(path, "Model update: how far Adam moves the outputs", healthy))


def _draw_sgd(records: Sequence[Record], colours: dict[str, tuple[float, ...]], path: Path) -> Picture:
    figure = _figure(width=11.0, height=4.4)
    hues = {record["config"]["scheme"]: colours[record["name"]] for record in records}
    for place, key in enumerate(("matrices", "layers"), start=1):
        axes = figure.add_subplot(1, 2, place)
        for growth in growths(records):
            exponent = getattr(growth, f"{key}_exponent")
            label = growth.scheme if exponent is None else f"{growth.scheme} ~ depth^{exponent:.2f}"
            axes.plot(growth.depths, getattr(growth, key), "o-", color=hues[growth.scheme], label=label)
        _logarithmic(axes, "x")
        _logarithmic(axes, "y")
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
    return _save(figure, Picture(path, "Model update by plain gradient descent, per unit of learning rate", healthy))


def _draw_losses(records: Sequence[Record], colours: dict[str, tuple[float, ...]], path: Path) -> Picture:
    figure = _figure(width=11.0, height=4.4)
    axes = figure.add_subplot(1, 2, 1)
    for record in records:
        losses = [update["nll"] for update in record["updates"]]
        axes.plot(np.arange(1, len(losses) + 1), _numbers(losses, False), color=colours[record["name"]])
    axes.set_xlabel("update")
    axes.set_ylabel("nats per token")
    axes.set_title("training batches", fontsize=10)
    axes.grid(alpha=0.25)
    gap = figure.add_subplot(1, 2, 2)
    for record in records:
        moments = [record[moment] for moment in MARKS]
        pairs = [(moment["nll_other_source"], moment["nll"]) for moment in moments]
        values = [None if None in pair else pair[0] - pair[1] for pair in pairs]
        gap.plot([0, len(record["updates"])], _numbers(values, False), "o-", color=colours[record["name"]])
    gap.set_xlabel("update")
    gap.set_title("loss with another's source, minus loss with the own", fontsize=10)
    gap.grid(alpha=0.25)
    _legend(figure, records, colours, moments=False)
    healthy = (
        "Healthy: falls. In the first updates words are learnt by their frequency, even by a model that will not train;"
        " on the right, a model that has learnt to use its source is clearly above 0."
    )
    return _save(figure, Picture(path, "Loss, and loss with another sentence's source", healthy))


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


def _numbers(values: Sequence[float | None], logarithmic: bool) -> np.ndarray:
    found = np.array([np.nan if value is None else value for value in values], dtype=float)
    return np.maximum(found, _SMALLEST) if logarithmic else found


def _logarithmic(axes: Axes, direction: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, with plain numbers: 1, 2, 5, 10 ... where it spans two decades or less."""
    axes.set(**{f"{direction}scale": "log"})
    axis = axes.xaxis if direction == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high <= 100 * low else (1.0,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _figure(*, width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _legend(
    figure: Figure, records: Sequence[Record], colours: dict[str, tuple[float, ...]], moments: bool = True
) -> None:
    handles = [Line2D([], [], color=colours[record["name"]], label=record["name"]) for record in records]
    if moments:
        handles += [Line2D([], [], color="grey", linestyle="-", label="before"),
                    Line2D([], [], color="grey", linestyle="--", label="after")]  # fmt: skip
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, frameon=False)


def _save(figure: Figure, picture: Picture) -> Picture:
    write_atomically(picture.path, lambda partial: figure.savefig(partial, format="png", metadata={"Software": None}))
    return picture
