"""Self-attention whose weights start as a planned matrix: what keeps tokens apart where there are no skips.

Each is called as `dot_product_attention` is. Shapes: B rows, H heads, T queries, S keys, hd width of a head.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mtdeep.nn.dot_product import dot_product_attention
from mtdeep.nn.gate import Gate
from mtdeep.nn.growing_table import GrowingTable
from mtdeep.nn.roles import Role
from mtdeep.nn.visibility import Visibility

MakeAttention = Callable[[int], Tensor]
"""From a length T to the attention matrix (T, T) in float64: no negative entry, rows of any positive sum."""
_KEPT = 2**21  # numbers that one encoder layer keeps of the lengths it has met: 8 MiB in float32


class CausalShapedAttention:
    """D softmax(Q K' / sqrt(hd) + B) V, which with Q = 0 is A V for a lower triangular A given in advance.

    D holds the sums of A's rows and B = log(D^-1 A), -inf where A is 0 (arXiv 2302.10322, equations 8 and 9). B and D
    are worked out in float64 and then cast. As A's first rows do not depend on its length, one table serves all
    lengths and every step of decoding.
    """

    def __init__(self, make: MakeAttention) -> None:
        self._bias = GrowingTable(lambda rows: _bias_and_scale(make(rows))[0], first_rows=64)
        self._scale = GrowingTable(lambda rows: _bias_and_scale(make(rows))[1], first_rows=64)

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
        """Attend from queries (B, H, T, hd), which are the last T of the S positions; returns (B, H, T, hd).

        `visible` adds nothing: B hides later keys, and padding only ever follows the real tokens.
        """
        end = keys.size(2)
        rows = slice(end - queries.size(2), end)
        bias, scale = self._bias(end, queries)[rows, :end], self._scale(end, queries)[rows]
        return scale * dot_product_attention(queries, keys, values, Visibility(bias), dropout)


class SymmetricShapedAttention:
    """The same for attention to both sides, where A depends on the length of the sentence, its padding left out."""

    def __init__(self, make: MakeAttention) -> None:
        self._make = make
        self._known: OrderedDict[tuple[int, torch.dtype, torch.device], tuple[Tensor, Tensor]] = OrderedDict()

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
        """Attend from queries (B, H, S, hd) to keys of the same sentences, padded on either side or not at all."""
        if visible.mask is None:
            bias, scale = self._of_length(keys.size(2), queries)
        else:
            bias, scale = self._of_spans(visible, visible.mask, queries)
        return scale * dot_product_attention(queries, keys, values, Visibility(bias), dropout)

    def _of_spans(self, visible: Visibility, mask: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return biases (B, 1, S, S) and scales (B, 1, S, 1); what padding gets does not matter, but is finite."""
        rows, length = mask.size(0), mask.size(3)
        bias = torch.where(mask, like.new_zeros(()), like.new_full((), float("-inf")))
        bias = bias.expand(rows, 1, length, length).clone()
        scale = like.new_ones(rows, 1, length, 1)
        for row, (first, count) in enumerate(visible.spans):
            real = slice(first, first + count)
            bias[row, 0, real, real], scale[row, 0, real] = self._of_length(count, like)
        return bias, scale

    def _of_length(self, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
        key = (length, like.dtype, like.device)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        bias, scale = _bias_and_scale(self._make(length))
        self._known[key] = bias.to(like), scale.to(like)
        while len(self._known) > 1 and sum(bias.numel() for bias, _ in self._known.values()) > _KEPT:
            self._known.popitem(last=False)
        return self._known[key]


class ValueSkipInit(nn.Module):
    """alpha V + beta softmax(Q K' / sqrt(hd)) V; alpha and beta are learned, 1 and 0 at first.

    V are the values at the queries' own positions: each token starts by looking at itself alone.
    Source: arXiv 2302.10322, as the authors state it again in arXiv 2311.01906, equation 4.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alpha = Gate(Role.SKIP)
        self.beta = Gate()

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
        """Attend from queries (B, H, T, hd), which are the last T of the S positions; returns (B, H, T, hd)."""
        own = values[:, :, values.size(2) - queries.size(2) :]
        return self.alpha(own) + self.beta(dot_product_attention(queries, keys, values, visible, dropout))


def _bias_and_scale(attention: Tensor) -> tuple[Tensor, Tensor]:
    """Return B (T, T) and D (T, 1) of the attention matrix A (T, T)."""
    sums = attention.sum(1, keepdim=True)
    return (attention / sums).log(), sums
