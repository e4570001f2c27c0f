"""The rules by which rates depend on depth, and what they multiply."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

DepthRates = Literal["none", "adam", "completep"]
"""`none`: the papers' own recipes. `adam`: DeepNorm under Adam. `completep`: Pre-LN, rates of a shallower model."""
RULES: tuple[DepthRates, ...] = get_args(DepthRates)


class Factors(NamedTuple):
    """What the learning rate and epsilon are multiplied with, and what a step's weight decay is.

    torch and fairseq decay a parameter by rate times decay, which is what `decay` multiplies: at 1, a factor on the
    rate leaves the decay of a step alone.
    """

    rate: float = 1.0
    epsilon: float = 1.0
    decay: float = 1.0


def checked_rule(name: str) -> DepthRates:
    """Return the rule of this name; raises ValueError when there is none."""
    for rule in RULES:
        if rule == name:
            return rule
    raise ValueError(f"{name!r} is none of the rules {', '.join(RULES)}: give one of them")
