"""Every scheme at its best of three rates, from 6-6 to 500-500 layers, without and with a slower encoder.

Usage: python scripts/reproduce/schemes.py DATA [--folder FOLDER] [--jobs N] [--groups NAME,NAME,...]
       python scripts/reproduce/schemes.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped; with --groups it trains those alone, and reports what there is.
The report goes to docs/reproductions/schemes.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from control import Control
from controlled import Group, Groups, Line, Page, line, main
from controlled_report import outcomes, table

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
            line(f"{name}{', ' + SLOWER if encoder < 1 else ''}, {rate:g}", control, updates)
            for name, scheme in SCHEMES.items()
            for encoder in (1.0, factor)
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


def best(groups: Groups, folder: Path) -> list[str]:
    """Return the table of each scheme's best training at each depth."""
    names = list(dict.fromkeys(Name.of(each.name) for group in groups.values() for each in group.lines))
    lines = [
        "The best of each: loss / what another source costs, at the rate. A loss alone proves little: a model that "
        "does not hear its source goes on as a language model.",
        "",
    ]
    rows = [
        [
            name.scheme,
            "times the factor" if name.slower else "full rate",
            *(_best(group, name, folder) for group in groups.values()),
        ]
        for name in names
    ]
    return [*lines, *table(["scheme", "encoder", *groups], rows), ""]


def _best(group: Group, name: Name, folder: Path) -> str:
    ends = [
        (math.inf if curve is None else curve[each.updates]["loss"], each, curve)
        for each in group.lines
        if Name.of(each.name) == name
        for curve in outcomes(each, folder)
    ]
    if not ends:
        return ""
    loss, chosen, curve = min(ends, key=lambda end: end[0])
    return "not finite" if curve is None else f"{loss:.2f} / {curve[chosen.updates]['gap']:.2f} ({_rate(chosen)})"


def _rate(chosen: Line) -> str:
    return chosen.name.rpartition(", ")[2]


PAGE = Page(
    "schemes",
    "Schemes over depth, each at its best rate",
    "Width 64, feed-forward 128, 4 heads, Multi30k English-German, about 1,100 target tokens an update, a warm-up of "
    "50 updates and a constant rate after it, no dropout, where a table says nothing else; one seed. Every scheme has "
    "the same trials.",
    groups={
        "6-6": tuned(6),
        "18-18": tuned(18),
        "50-50": tuned(50),
        "100-100": deep(DEEP, ("DeepNet", "Pre-LN", "Magneto", "Keel", "Peri-LN"), 300),
        "500-500": deep(DEEPEST, ("DeepNet", "Pre-LN", "Keel"), 500),
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
    summary=best,
)

if __name__ == "__main__":
    main(str(__doc__), PAGE)
