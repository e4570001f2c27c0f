"""Position embeddings with fairseq's values and table shapes.

fairseq numbers positions from padding_idx + 1 on, so that the row padding_idx belongs to padding (and is zero).
Shapes: B rows, T positions, D width.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtdeep.nn.growing_table import GrowingTable
from mtdeep.nn.linear import Embedding


def position_rows(padding_mask: Tensor, padding_idx: int) -> Tensor:
    """Number the real tokens of each row padding_idx + 1, padding_idx + 2, ... and padding padding_idx.

    padding_mask is (B, T), True at padding, wherever it stands; returns (B, T).
    """
    real = ~padding_mask
    return real.cumsum(dim=1) * real + padding_idx


class SinusoidalPositions(nn.Module):
    """Sine in the first half of the dimensions, cosine in the second, as fairseq (after tensor2tensor) has it."""

    def __init__(self, embed_dim: int, padding_idx: int) -> None:
        super().__init__()
        self.padding_idx = padding_idx
        self._table = GrowingTable(partial(sinusoids, embed_dim=embed_dim, padding_idx=padding_idx))

    def forward(self, x: Tensor, padding_mask: Tensor | None = None, start: int = 0) -> Tensor:
        """Add positions to x (B, T, D). Without a mask, every row holds positions start .. start + T - 1."""
        first = self.padding_idx + 1 + start
        table = self._table(first + x.size(1), x)
        if padding_mask is None:
            return x + table[first : first + x.size(1)]
        return x + F.embedding(position_rows(padding_mask, self.padding_idx), table)


def sinusoids(rows: int, embed_dim: int, padding_idx: int) -> Tensor:
    """Return fairseq's table (rows, embed_dim) in float32: row p holds sin and cos of p / 10000^(i / (half - 1)).

    The divisor half - 1 and the two halves side by side are tensor2tensor's; the paper (arXiv 1706.03762, section
    3.5) divides by half and interleaves.
    """
    half = embed_dim // 2
    frequencies = torch.exp(torch.arange(half, dtype=torch.float32, device="cpu") * -(math.log(10000) / (half - 1)))
    angles = torch.arange(rows, dtype=torch.float32, device="cpu")[:, None] * frequencies
    table = torch.zeros(rows, embed_dim, dtype=torch.float32, device="cpu")
    table[:, :half] = angles.sin()
    table[:, half : 2 * half] = angles.cos()
    table[padding_idx] = 0
    return table


class LearnedPositions(Embedding):
    """A table of max_positions + padding_idx + 1 rows that is trained."""

    def __init__(self, max_positions: int, embed_dim: int, padding_idx: int) -> None:
        super().__init__(max_positions + padding_idx + 1, embed_dim, padding_idx)
        self.max_positions = max_positions
        self.first_row = padding_idx + 1

    def forward(self, x: Tensor, padding_mask: Tensor | None = None, start: int = 0) -> Tensor:
        """Add positions to x (B, T, D). Without a mask, every row holds positions start .. start + T - 1.

        Raises ValueError when a position has no row.
        """
        if start + x.size(1) > self.max_positions:
            raise ValueError(f"{start + x.size(1)} positions, but the learned table has {self.max_positions}")
        if padding_mask is None:
            first = self.first_row + start
            return x + self.weight[first : first + x.size(1)]
        return x + super().forward(position_rows(padding_mask, self.first_row - 1))


class NoPositions(nn.Module):
    """Nothing is added: attention turns queries and keys, or a causal decoder tells positions apart by itself."""

    def forward(self, x: Tensor, *place: object) -> Tensor:
        """Return x (B, T, D), whatever is padding and wherever it starts."""
        return x


def build_positions(kind: str, max_positions: int, embed_dim: int, padding_idx: int) -> nn.Module:
    """Return the module for one of `Config`'s kinds; rotary positions are attention's affair."""
    if kind == "learned":
        return LearnedPositions(max_positions, embed_dim, padding_idx)
    if kind == "sinusoidal":
        return SinusoidalPositions(embed_dim, padding_idx)
    return NoPositions()
