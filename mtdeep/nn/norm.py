"""Layer normalisations that differ from torch's."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class WideLayerNorm(nn.LayerNorm):
    """`nn.LayerNorm` in the precision of its input, which may be higher than the model's."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (..., dim); the result has the type of x."""
        return F.layer_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)


class ScaledLayerNorm(nn.LayerNorm):
    """`nn.LayerNorm` times a constant factor: LayerNorm scaling, arXiv 2502.05795."""

    def __init__(self, dim: int, factor: float) -> None:
        super().__init__(dim)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Normalise and scale x (..., dim)."""
        return self.factor * super().forward(x)
