"""softmax(Q K' / sqrt(hd)) V by whichever way is fast on the device.

Shapes: B rows, H heads, T queries, S keys, hd width of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn.dropout import dropout as drop

# On a CPU torch's fused attention has a slow backward pass in bfloat16: over sentences of translation plain matrix
# products take a quarter to a half of its time. From about 300 keys on they are equal, and the scores' memory counts
# (scripts/bench/cpu_kernels.py).
_PLAIN_KEYS = 256


def dot_product_attention(
    queries: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None, causal: bool, dropout: float
) -> Tensor:
    """Attend from queries (B, H, T, hd) to keys and values (B, H, S, hd); returns (B, H, T, hd).

    mask is bool, True where a query may look, and broadcasts to (B, H, T, S); every query must have a key to look at.
    causal: query t sees keys 0..t. dropout acts on the weights, at any time.
    Raises ValueError when a mask is given with causal. Source: arXiv 1706.03762, section 3.2.1.
    """
    if causal and mask is not None:
        raise ValueError("a mask and causal are not to be given together")
    learns = torch.is_grad_enabled() and queries.requires_grad
    if learns and queries.device.type == "cpu" and queries.dtype == torch.bfloat16 and keys.size(2) <= _PLAIN_KEYS:
        return plain_attention(queries, keys, values, mask=mask, causal=causal, dropout=dropout)
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=dropout, is_causal=causal)


def plain_attention(
    queries: Tensor, keys: Tensor, values: Tensor, *, mask: Tensor | None, causal: bool, dropout: float
) -> Tensor:
    """Do what `dot_product_attention` says, by matrix products; the scores (B, H, T, S) are kept for backward."""
    scores = (queries * queries.size(-1) ** -0.5) @ keys.transpose(-1, -2)
    if causal:
        mask = scores.new_ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return drop(scores.softmax(-1), dropout, True) @ values
