"""Layer normalisation of a stream that is kept in a higher precision than the model."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class WideLayerNorm(nn.LayerNorm):
    """`nn.LayerNorm` in the precision of its input, whatever the precision of its gain and bias."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (..., dim); the result has the type of x."""
        return F.layer_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)
