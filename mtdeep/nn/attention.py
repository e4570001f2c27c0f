"""Multi-head attention with fairseq's parameter names.

Shapes: B rows, H heads, T queries, S keys, D width of the stream, hd = D / H width of a head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from mtdeep.nn.dot_product import attention_weights, dot_product_attention
from mtdeep.nn.linear import Linear
from mtdeep.nn.roles import Role
from mtdeep.nn.rotary import Rotate, leave
from mtdeep.nn.visibility import Visibility

Attend = Callable[[Tensor, Tensor, Tensor, Visibility, float], Tensor]
"""(queries (B, H, T, hd), keys and values (B, H, S, hd), what is visible, dropout) -> (B, H, T, hd)."""

SELF_ATTENTION_ROLES: Mapping[str, Role] = {
    "q_proj": Role.QUERY,
    "k_proj": Role.KEY,
    "v_proj": Role.VALUE,
    "out_proj": Role.OUTPUT,
    "inner_attn_ln": Role.NORM,
}
CROSS_ATTENTION_ROLES: Mapping[str, Role] = {
    "q_proj": Role.CROSS_QUERY,
    "k_proj": Role.CROSS_KEY,
    "v_proj": Role.CROSS_VALUE,
    "out_proj": Role.CROSS_OUTPUT,
    "inner_attn_ln": Role.NORM,
}


class MultiHeadAttention(nn.Module):
    """softmax(Q K' / sqrt(hd)) V for every head, then the output matrix (arXiv 1706.03762, section 3.2).

    Keys and values are projected by a call of their own, so that a decoder can keep them. Self-attention and
    cross-attention are this one class and differ in the roles of their matrices.
    `attend` stands in the place of the formula, and may have parameters; `rotate` turns queries and keys by their
    positions; `inner_norm` stands before the output matrix (Sub-LN's place; the identity elsewhere).
    """

    def __init__(
        self,
        embed_dim: int,
        heads: int,
        *,
        dropout: float,
        roles: Mapping[str, Role],
        attend: Attend = dot_product_attention,
        rotate: Rotate = leave,
        inner_norm: nn.Module,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = embed_dim // heads
        self.dropout = dropout
        self.roles = roles
        self.attend = attend
        self.rotate = rotate
        self.q_proj = Linear(embed_dim, embed_dim)
        self.k_proj = Linear(embed_dim, embed_dim)
        self.v_proj = Linear(embed_dim, embed_dim)
        self.inner_attn_ln = inner_norm
        self.out_proj = Linear(embed_dim, embed_dim)

    def keys_values(self, x: Tensor, start: int = 0) -> tuple[Tensor, Tensor]:
        """Project x (B, S, D), whose first position is `start`, to keys and values, each (B, H, S, hd)."""
        return self.rotate(self._split(self.k_proj(x)), start), self._split(self.v_proj(x))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, visible: Visibility, start: int = 0) -> Tensor:
        """Attend from x (B, T, D), whose first position is `start`, to keys and values (B, H, S, hd): (B, T, D)."""
        queries = self.rotate(self._split(self.q_proj(x)), start)
        attended = self.attend(queries, keys, values, visible, self.dropout if self.training else 0.0)
        return self.out_proj(self.inner_attn_ln(attended.transpose(1, 2).flatten(2)))

    def weights(self, x: Tensor, keys: Tensor, visible: Visibility) -> Tensor:
        """Return softmax(Q K' / sqrt(hd)), (B, H, T, S) in float32, of x (B, T, D), which begins at position 0."""
        return attention_weights(self.rotate(self._split(self.q_proj(x)), 0).float(), keys.float(), visible)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), self.heads, self.head_dim).transpose(1, 2)
