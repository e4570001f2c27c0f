"""Multi-head attention with fairseq's parameter names.

Shapes: B rows, H heads, T queries, S keys, D width of the stream, hd = D / H width of a head.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from mtdeep.nn.dot_product import dot_product_attention
from mtdeep.nn.linear import Linear
from mtdeep.nn.roles import Role

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
    `inner_norm` stands before the output matrix (Sub-LN's place; the identity elsewhere).
    """

    def __init__(
        self, embed_dim: int, heads: int, *, dropout: float, roles: Mapping[str, Role], inner_norm: nn.Module
    ) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = embed_dim // heads
        self.dropout = dropout
        self.roles = roles
        self.q_proj = Linear(embed_dim, embed_dim)
        self.k_proj = Linear(embed_dim, embed_dim)
        self.v_proj = Linear(embed_dim, embed_dim)
        self.inner_attn_ln = inner_norm
        self.out_proj = Linear(embed_dim, embed_dim)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Project x (B, S, D) to keys and values, each (B, H, S, hd)."""
        return self._split(self.k_proj(x)), self._split(self.v_proj(x))

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """Attend from x (B, T, D) to keys and values (B, H, S, hd); returns (B, T, D).

        mask is bool, True where a query may look, and broadcasts to (B, H, T, S). causal: query t sees keys 0..t.
        """
        attended = dot_product_attention(
            self._split(self.q_proj(x)),
            keys,
            values,
            mask=mask,
            causal=causal,
            dropout=self.dropout if self.training else 0.0,
        )
        return self.out_proj(self.inner_attn_ln(attended.transpose(1, 2).flatten(2)))

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), self.heads, self.head_dim).transpose(1, 2)
