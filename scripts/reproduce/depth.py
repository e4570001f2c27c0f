"""Which schemes train at which depth, each at its best of three rates, without and with a slower encoder.

Usage: python scripts/reproduce/depth.py DATA [--folder FOLDER] [--jobs N] [--groups NAME,NAME,...] [--missing]
       python scripts/reproduce/depth.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped; with --groups it trains those alone, with --missing what has no
result yet. Results are kept in docs/reproductions/depth.json, and the page beside it is made of all that are there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from control import Control
from controlled import ONE_SEED, Group, Groups, Page, line, main
from controlled_report import table
from results import Figures, Results

from mtdeep.nn.config import SchemeName
from mtdeep.nn.depth import deepnorm_adam_rate

SCHEMES: dict[str, SchemeName] = {
    "Pre-LN": "preln",
    "DeepNet": "deepnorm",
    "Magneto": "subln",
    "ResiDual": "residual",
    "Peri-LN": "periln",
    "LNS": "lns",
    "Keel": "keel",
    "B2T": "b2t",
    "ReZero": "rezero",
    "DS-Init": "dsinit",
    "Post-LN": "postln",
}
"""All but the networks without shortcuts, which bear a fifteenth of these rates (shortcuts.py)."""
RATES = {6: (1.5e-3, 3e-3, 6e-3), 18: (1e-3, 2.5e-3, 6e-3), 50: (5e-4, 1.5e-3, 4.5e-3)}
DEEP = Control(layers=100, rate=1.5e-3, warm_up=100)
DEEPEST = Control(layers=500, width=32, rate=1e-3, warm_up=100, tokens=640)
SLOWER = "slower encoder"
COLOURS = (*(f"C{number}" for number in range(10)), "black")


class Name(NamedTuple):
    """What a line's name says: a scheme, and whether its encoder's layers have the factor."""

    scheme: str
    slower: bool

    @classmethod
    def of(cls, text: str) -> Name:
        """Read it from a line's name."""
        scheme, *rest = text.split(", ")
        return cls(scheme, SLOWER in rest)


def tuned(layers: int, updates: int = 300) -> Group:
    """Return every scheme at three rates, without and with the factor."""
    factor = deepnorm_adam_rate(layers, layers)
    return Group(
        f"{layers}-{layers} layers, {updates} updates. The factor on the encoder is that of DeepNorm, "
        f"{factor:.3f}, for every scheme.",
        [
            line(f"{name}{', ' + SLOWER if encoder < 1 else ''}, {rate:g}", control, updates, seeds)
            for name, scheme in SCHEMES.items()
            for encoder in (1.0, factor)
            for seeds in ((1, 2) if name == "DeepNet" or (name, encoder) == ("Pre-LN", 1.0) else ONE_SEED,)
            for rate in RATES[layers]
            for control in (Control(scheme=scheme, layers=layers, rate=rate, encoder=encoder),)
        ],
    )


def deep(control: Control, names: Sequence[str], updates: int) -> Group:
    """Return some schemes at one rate, and DeepNet with the factor too."""
    factor = deepnorm_adam_rate(control.layers, control.layers)
    rate = f"{control.rate:g}"
    lines = [line(f"{name}, {rate}", _of(control, name), updates) for name in names]
    slower = line(f"DeepNet, {SLOWER}, {rate}", _of(control, "DeepNet", factor), updates)
    return Group(
        f"{control.layers}-{control.layers} layers, width {control.width}, {updates} updates at {rate}, a warm-up of "
        f"{control.warm_up}. One rate, the same for all; the factor is {factor:.3f}.",
        [slower, *lines],
    )


def _of(control: Control, name: str, encoder: float = 1.0) -> Control:
    fields = {field: getattr(control, field) for field in ("layers", "width", "rate", "warm_up", "tokens")}
    return Control(scheme=SCHEMES[name], encoder=encoder, **fields)


class Best(NamedTuple):
    """The training of the lowest loss among those of a name, and what a second seed has at its rate."""

    rate: str
    ends: list[Figures | None]
    """By seed: the figures at the end; None: not finite."""


def best(group: Group, name: Name, results: Results) -> Best | None:
    """Return the best by the first seed's loss; None before all rates have been tried: all names have equal trials."""
    chosen = None
    for each in group.lines:
        if Name.of(each.name) != name:
            continue
        ends = [result.at_end(each.updates) for result in each.results(results)]
        if not ends:
            return None
        if chosen is None or _loss(ends) < _loss(chosen.ends):
            chosen = Best(each.name.rpartition(", ")[2], ends)
    return chosen


def _loss(ends: Sequence[Figures | None]) -> float:
    return math.inf if ends[0] is None else ends[0]["loss"]


def names_of(groups: Groups) -> list[Name]:
    """Return the rows of the table."""
    return list(dict.fromkeys(Name.of(each.name) for group in groups.values() for each in group.lines))


def summary(groups: Groups, results: Results) -> list[str]:
    """Return the table of each scheme's best training at each depth."""
    lines = [
        "The best of each: loss / what another source costs (rate); behind a semicolon a second seed's at that rate. A "
        "loss alone proves little: a model that does not hear its source goes on as a language model. 100-100 and "
        "500-500 had one rate each, and 500-500 half the width.",
        "",
    ]
    rows = [
        [
            name.scheme,
            "times the factor" if name.slower else "full rate",
            *(_cell(best(group, name, results)) for group in groups.values()),
        ]
        for name in names_of(groups)
    ]
    return [*lines, *table(["scheme", "encoder", *groups], rows), ""]


def _cell(chosen: Best | None) -> str:
    if chosen is None:
        return ""
    seeds = ["not finite" if end is None else f"{end['loss']:.2f} / {end['gap']:.2f}" for end in chosen.ends]
    return f"{'; '.join(seeds)} ({chosen.rate})"


def draw(groups: Groups, results: Results, path: Path) -> None:
    """Draw the first seed's loss and what another source costs, a line a name, over depth."""
    figure, both = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for name in names_of(groups):
        chosen = [best(group, name, results) for group in groups.values()]
        first = [(place, each.ends[0]) for place, each in enumerate(chosen) if each is not None]
        finite = [(place, end) for place, end in first if end is not None]
        for axes, key in zip(both, ("loss", "gap"), strict=True):
            axes.plot(
                [place for place, _ in finite],
                [end[key] for _, end in finite],
                label=f"{name.scheme}, {SLOWER}" if name.slower else name.scheme,
                color=COLOURS[list(SCHEMES).index(name.scheme)],
                linestyle="--" if name.slower else "-",
                marker="s" if name.slower else "o",
                linewidth=3 if name == Name("DeepNet", True) else 1,
            )
    depths = [f"{depth}\nwidth {group.lines[0].controls[0].width}" for depth, group in groups.items()]
    for axes, what in zip(both, ("validation loss", "what another source costs"), strict=True):
        axes.set(xlabel="layers", ylabel=f"{what} (bits a token)", xticks=range(len(groups)), xticklabels=depths)
        axes.grid(alpha=0.3)
    handles, labels = both[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right", fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)


PAGE = Page(
    "depth",
    "Depth: which schemes train",
    "After Table 1 of DeepNet (arXiv 2203.00555), WMT-17 English-German: Post-LN trains at 6-6 layers and diverges at "
    "18-18 and beyond; Pre-LN trains at all depths and loses BLEU from 18-18 (28.1) to 100-100 (27.4); DeepNet trains "
    "at all depths and gains (28.8 at 18-18, 29.0 at 50-50, 28.9 at 100-100), and its Table 2: 500-500 layers on "
    "OPUS-100, BLEU 32.1 (31.1 with 100-100). Smaller here: Multi30k English-German, width 64, feed-forward 128, 4 "
    "heads, about 1,100 target tokens an update, a warm-up of 50 updates and a constant rate after it, no dropout, "
    "where a table says nothing else; validation loss for BLEU. Differences that show late in a training cannot be "
    "seen. Every scheme has the same trials.",
    groups={
        "6-6": tuned(6),
        "18-18": tuned(18),
        "50-50": tuned(50),
        "100-100": deep(DEEP, ("DeepNet", "Pre-LN", "Magneto", "Keel", "Peri-LN", "Post-LN"), 300),
        "500-500": deep(DEEPEST, ("DeepNet", "Pre-LN", "Keel", "Post-LN"), 500),
    },
    quick={
        "2-2": Group(
            "A trial.",
            [
                line(f"DeepNet{what}, 0.001", Control(layers=2, width=16, tokens=200, rate=1e-3, encoder=encoder), 20)
                for what, encoder in (("", 1.0), (f", {SLOWER}", 0.5))
            ],
        )
    },
    summary=summary,
    draw=draw,
)

if __name__ == "__main__":
    main(str(__doc__), PAGE)
