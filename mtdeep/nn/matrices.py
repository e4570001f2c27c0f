"""How the matrices inside a layer's branches start."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from mtdeep.nn.roles import Role


@dataclass(frozen=True)
class Draw:
    """A distribution: its name, and what fills a matrix (out, in) from it, times a gain."""

    name: str
    fill: Callable[[Tensor, float], object]


def _xavier_normal(matrix: Tensor, gain: float) -> None:
    nn.init.xavier_normal_(matrix, gain)


def _scaled_orthogonal(matrix: Tensor, gain: float) -> None:
    if gain == 0:
        nn.init.zeros_(matrix)
        return
    nn.init.orthogonal_(matrix, gain * max(1.0, math.sqrt(matrix.size(0) / matrix.size(1))))


XAVIER_NORMAL = Draw("xavier normal", _xavier_normal)
"""N(0, 2 / (in + out)): as printed in DeepNet (arXiv 2203.00555, Figure 2) and Magneto."""
SCALED_ORTHOGONAL = Draw("scaled orthogonal", _scaled_orthogonal)
"""A random orthogonal matrix times max(1, sqrt(out / in)): the mean square of a vector stays what it was.

Source: Martens et al. 2021, Deep Kernel Shaping, arXiv 2110.01765, as its released code has it.
"""


@dataclass(frozen=True, kw_only=True)
class Matrices:
    """From which distribution a layer's matrices are drawn; gains: those of the roles that do not have 1."""

    draw: Draw = XAVIER_NORMAL
    gains: Mapping[Role, float] = field(default_factory=dict)


@runtime_checkable
class DeclaresMatrices(Protocol):
    """A layer, whose scheme says how its matrices start."""

    matrices: Matrices
