"""softmax(Q K' / sqrt(hd)) V by whichever way is fast on the device.

Shapes: B rows, H heads, T queries, S keys, hd width of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn.dropout import dropout as drop
from mtdeep.nn.visibility import Visibility

# On a CPU torch's fused attention has a slow backward pass in bfloat16: over sentences of translation plain matrix
# products take a quarter to a half of its time. From about 300 keys on they are equal, and the scores' memory counts
# (scripts/bench/cpu_kernels.py).
PLAIN_KEYS = 256


def dot_product_attention(queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
    """Attend from queries (B, H, T, hd) to keys and values (B, H, S, hd); returns (B, H, T, hd).

    dropout acts on the weights, at any time. Source: arXiv 1706.03762, section 3.2.1.
    """
    learns = torch.is_grad_enabled() and queries.requires_grad
    if learns and queries.device.type == "cpu" and queries.dtype == torch.bfloat16 and keys.size(2) <= PLAIN_KEYS:
        return plain_attention(queries, keys, values, visible, dropout)
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=visible.mask, dropout_p=dropout, is_causal=visible.causal
    )


def plain_attention(queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
    """Do what `dot_product_attention` says, by matrix products; the scores (B, H, T, S) are kept for backward."""
    return drop(attention_weights(queries, keys, visible), dropout, True) @ values


def attention_weights(queries: Tensor, keys: Tensor, visible: Visibility) -> Tensor:
    """Return softmax(Q K' / sqrt(hd)), (B, H, T, S), of queries (B, H, T, hd) over the keys (B, H, S, hd) they see."""
    mask = visible.mask
    scores = (queries * queries.size(-1) ** -0.5) @ keys.transpose(-1, -2)
    if visible.causal:
        mask = scores.new_ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1)
