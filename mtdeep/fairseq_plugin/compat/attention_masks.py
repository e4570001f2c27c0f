"""fairseq's attention hands torch a padding mask of booleans beside a causal mask of floats, which torch deprecates.

Every training of fairseq's own `transformer` warns of it. Here the padding mask becomes floats, 0 and minus infinity,
which is what torch makes of it: the results are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.modules.multihead_attention"


def with_masks_of_one_type(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the attention's `forward`, which gives both masks one type."""
    import torch

    @wraps(original)
    def forward(
        self: Any,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        incremental_state: Any = None,
        need_weights: bool = True,
        static_kv: bool = False,
        attn_mask: Any = None,
        **options: Any,
    ) -> Any:
        both = key_padding_mask is not None and attn_mask is not None
        if both and key_padding_mask.dtype == torch.bool and attn_mask.is_floating_point():
            zeros = torch.zeros_like(key_padding_mask, dtype=query.dtype)
            key_padding_mask = zeros.masked_fill_(key_padding_mask, float("-inf"))
        return original(
            self, query, key, value, key_padding_mask, incremental_state, need_weights, static_kv, attn_mask, **options
        )

    return forward


PATCH = replacement(
    name="attention_masks",
    mends="a warning of torch, that masks of two types are deprecated, in trainings of fairseq's own transformer",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/modules/multihead_attention.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "MultiheadAttention.forward", "multi_head_attention_forward"),
    places={"MultiheadAttention.forward": with_masks_of_one_type},
)
