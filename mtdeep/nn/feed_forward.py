"""The feed-forward branch.

Shapes: B rows, T positions, D width of the stream, F inner width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from mtdeep.nn.activations import Activation
from mtdeep.nn.dropout import dropout
from mtdeep.nn.linear import Linear
from mtdeep.nn.roles import Role


class FeedForward(nn.Module):
    """W2 activation(W1 x) (arXiv 1706.03762, equation 2).

    Layers inherit it instead of holding it: fairseq's names are `layers.0.fc1`, with nothing in between.
    `inner_norm` stands before the second matrix (Sub-LN's place; the identity elsewhere).
    """

    roles: ClassVar[Mapping[str, Role]] = {"fc1": Role.FIRST, "fc2": Role.SECOND, "ffn_layernorm": Role.NORM}

    def __init__(
        self, embed_dim: int, ffn_dim: int, *, activation: Activation, activation_dropout: float, inner_norm: nn.Module
    ) -> None:
        super().__init__()
        self.activation = activation
        self.activation_dropout = activation_dropout
        self.fc1 = Linear(embed_dim, ffn_dim)
        self.ffn_layernorm = inner_norm
        self.fc2 = Linear(ffn_dim, embed_dim)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Map x (B, T, D) to (B, T, D)."""
        x = self.activation(self.fc1(x))
        x = dropout(x, self.activation_dropout, self.training)
        return self.fc2(self.ffn_layernorm(x))
