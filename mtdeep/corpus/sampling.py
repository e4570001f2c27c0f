"""How often each direction is drawn: temperature, UniMax and capped repeats (`weights_file` has those of a file).

The symbols are those of Chung et al. 2023 (UniMax, arXiv 2304.09151), a direction standing where a language does: c_l
examples of direction l, N epochs that no direction exceeds, a budget of B draws, of which l has U_l, and p_l its share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from mtdeep.corpus.views import DirectionView
from mtdeep.errors import UserError


class Sampling(Protocol):
    """Shares of groups of examples; a group is what has one share: a direction, or all of a corpus."""

    @property
    def budget(self) -> int | None:
        """Draws that the shares are made for; None where they suit any number."""

    @property
    def by_corpus(self) -> bool:
        """Whether groups are corpora, not directions."""

    def group(self, view: DirectionView) -> str:
        """Name of the group that a view belongs to."""

    def shares(self, groups: Sequence[str], c: np.ndarray, once: np.ndarray) -> np.ndarray:
        """Share of each group, (groups,) float64, which sum to 1.

        c: examples, as their origins weigh, (groups,) float64; once: draws after which the first example of a group is
        due again, (groups,) float64, which is c where all weigh alike.
        """


class _ByDirection:
    """Sampling whose groups are the directions."""

    by_corpus: ClassVar[bool] = False

    def group(self, view: DirectionView) -> str:
        """The direction."""
        return str(view.direction)


@dataclass(frozen=True)
class Temperature(_ByDirection):
    """p ~ c^(1/T)."""

    temperature: float
    budget: ClassVar[None] = None

    def shares(self, groups: Sequence[str], c: np.ndarray, once: np.ndarray) -> np.ndarray:
        """Share of each direction."""
        return direction_probabilities(c, self.temperature)


@dataclass(frozen=True)
class Capped(_ByDirection):
    """p ~ c^(1/T) for as many directions as can have it without an example being seen more than N times in B draws.

    The others have N epochs, and what they leave of B goes to the rest. Raises `UserError` when N epochs of everything
    are fewer than B draws, where UniMax's authors let every language exceed N.
    """

    temperature: float
    max_epochs: float
    budget: int

    def shares(self, groups: Sequence[str], c: np.ndarray, once: np.ndarray) -> np.ndarray:
        """Share of each direction, p = U / B."""
        cap = self.max_epochs * once
        if cap.sum() < self.budget:
            raise UserError(
                f"--sampling-budget {self.budget:,} is more than --sampling-max-epochs {self.max_epochs:g} gives with "
                f"these directions, {cap.sum():,.0f} sentence pairs; lower the one or raise the other"
            )
        p: np.ndarray = filled(direction_probabilities(c, self.temperature), cap, self.budget) / self.budget
        return p


def unimax(max_epochs: float, budget: int) -> Capped:
    """UniMax: the same share for all, but N epochs for those that have too little for it."""
    return Capped(math.inf, max_epochs, budget)


def direction_probabilities(counts: np.ndarray, temperature: float) -> np.ndarray:
    """Share of each direction, (directions,) float64: p ~ n^(1/T) for n examples, 0 for none.

    T = 1 is proportional, T = infinity uniform (Arivazhagan et al. 2019, arXiv 1907.05019, section 3.1). Raises
    `ValueError` for T <= 0 or when no direction has an example.
    """
    n = np.asarray(counts, dtype=np.float64)
    if not temperature > 0:
        raise ValueError(f"sampling temperature is {temperature}, it must be above 0")
    if not np.any(n > 0):
        raise ValueError("no direction has an example")
    # Relative to the largest, so that a low temperature does not overflow.
    weights = (n / n.max()) ** (1 / temperature)
    weights[n == 0] = 0.0
    p: np.ndarray = weights / weights.sum()
    return p


def filled(weights: np.ndarray, cap: np.ndarray, budget: float) -> np.ndarray:
    """U, (directions,) float64: a budget shared out in the ratio of weights, to none more than its cap.

    U_l = min(cap_l, lambda weight_l) with the one lambda that spends the budget, or the caps when they sum to less.
    With equal weights and cap_l = N c_l this is UniMax's algorithm 1, whose loop over languages in the order of c_l is
    the search for lambda: l is at its cap when that is less than an even share of what those before it have left.
    """
    used = np.flatnonzero(weights > 0)
    # In this order, whoever is at its cap stands before all who are not.
    order = used[np.argsort(cap[used] / weights[used], kind="stable")]
    w, room = weights[order], cap[order]
    left = budget - (np.cumsum(room) - room)
    even = left / np.cumsum(w[::-1])[::-1]
    below = np.flatnonzero(room >= even * w)
    first = below[0] if len(below) else len(order)
    u = np.zeros(len(weights))
    u[order[:first]] = room[:first]
    if first < len(order):
        u[order[first:]] = even[first] * w[first:]
    return u
