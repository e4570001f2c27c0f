"""Rotary positions: queries and keys turned by an angle that grows with their position.

Shapes: B rows, H heads, T positions, hd width of a head.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from mtdeep.nn.growing_table import GrowingTable

Rotate = Callable[[Tensor, int], Tensor]
"""(queries or keys (B, H, T, hd), position of the first) -> the same, turned or not."""


def leave(x: Tensor, start: int) -> Tensor:
    """Return x as it is: attention that does not know positions."""
    return x


class Rotary:
    """Turn dimensions i and i + hd/2 of position p by the angle p 10000^(-2i / hd).

    The scores then depend on differences of positions alone, and what multiplies a query of zero vanishes: unlike
    positions added to the embeddings, they leave a skipless network's first kernel as it is (arXiv 2302.10322).
    Source: Su et al. 2021, "RoFormer", arXiv 2104.09864, equations 14 and 15; which two dimensions make a pair is
    free, and halves are faster than neighbours. Turned in float32 at least, whatever the type of the model.
    """

    def __init__(self, head_dim: int) -> None:
        self._table = GrowingTable(partial(_angles, head_dim=head_dim))

    def __call__(self, x: Tensor, start: int) -> Tensor:
        """Turn x (B, H, T, hd), whose first position is `start`."""
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        cos, sin = self._table(start + x.size(2), wide)[start : start + x.size(2)].chunk(2, dim=1)
        first, second = wide.chunk(2, dim=3)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=3).to(x.dtype)


def _angles(rows: int, head_dim: int) -> Tensor:
    """Return cosines and, beside them, sines of the angles: (rows, hd) in float64."""
    frequencies = 10000 ** -(torch.arange(0, head_dim, 2, dtype=torch.float64, device="cpu") / head_dim)
    angles = torch.arange(rows, dtype=torch.float64, device="cpu")[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)
