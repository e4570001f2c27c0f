"""Linear map and embedding table that leave their memory as it is until initialisation by role fills it.

torch's own constructors draw a first set of random numbers, only to be drawn over: at a thousand layers that is a
third of the time to build a model, and it moves the random state by an amount that nobody asked for.
"""

from __future__ import annotations

from torch import nn


class Linear(nn.Linear):
    """`nn.Linear` whose weights are undefined until `initialise` writes them."""

    def reset_parameters(self) -> None:
        """Leave the memory alone."""


class Embedding(nn.Embedding):
    """`nn.Embedding` whose rows are undefined until `initialise` writes them."""

    def reset_parameters(self) -> None:
        """Leave the memory alone."""
