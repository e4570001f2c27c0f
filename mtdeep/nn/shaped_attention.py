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
from mtdeep.nn.roles import Role
from mtdeep.nn.visibility import Visibility

MakeAttention = Callable[[int], Tensor]
"""From a length T to the attention matrix (T, T) in float64: no negative entry, rows of any positive sum."""
Kind = tuple[torch.dtype, torch.device]
KEPT_OF_A_STACK = 2**27
"""Numbers that the layers of an encoder keep of the lengths they have met: 512 MiB in float32."""
_LEAST = 1e-30  # of an attention weight: what rounding has made 0 can still grow


class CausalShapedAttention:
    """D softmax(Q K' / sqrt(hd) + B) V, which with Q = 0 is A V for a lower triangular A given in advance.

    D holds the sums of A's rows and B = log(D^-1 A), -inf above the diagonal (arXiv 2302.10322, equations 8 and 9). B
    and D are worked out in float64 and then cast. As A's first rows do not depend on its length, the longest so far
    serves every length and every step of decoding.
    """

    def __init__(self, make: MakeAttention) -> None:
        self._make = make
        self._known: dict[Kind, tuple[Tensor, Tensor]] = {}

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
        """Attend from queries (B, H, T, hd), which are the last T of the S positions; returns (B, H, T, hd).

        `visible` adds nothing: B hides later keys, and padding only ever follows the real tokens.
        """
        end = keys.size(2)
        rows = slice(end - queries.size(2), end)
        bias, scale = self._of_length(end, queries)
        return scale[rows] * dot_product_attention(queries, keys, values, Visibility(bias[rows, :end]), dropout)

    def _of_length(self, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return B and D of at least this length, of the type and on the device of `like`."""
        kind = (like.dtype, like.device)
        if kind not in self._known or self._known[kind][1].size(0) < length:
            # Decoding asks for one more row at every step.
            longer = length if like.size(2) == length else 2 * length
            self._known[kind] = _bias_and_scale(self._make, longer, like, causal=True)
        return self._known[kind]


class SymmetricShapedAttention:
    """The same for attention to both sides, where A depends on the length of the sentence, its padding left out.

    Of the lengths met last, `kept` numbers are remembered: matrices of new lengths cost two eigendecompositions.
    """

    def __init__(self, make: MakeAttention, kept: int) -> None:
        self._make = make
        self._kept = kept
        self._known: OrderedDict[tuple[int, Kind], tuple[Tensor, Tensor]] = OrderedDict()

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
        """Attend from queries (B, H, S, hd) to keys of the same sentences, padded on either side or not at all."""
        if visible.mask is None:
            bias, scale = self._of_length(keys.size(2), queries)
        else:
            bias, scale = self._of_spans(visible, queries)
        return scale * dot_product_attention(queries, keys, values, Visibility(bias), dropout)

    def _of_spans(self, visible: Visibility, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return biases (B, 1, S, S) and scales (B, 1, S, 1); what padding looks at does not matter, but is finite."""
        spans, of_row = visible.spans
        length = like.size(2)
        bias = like.new_full((len(spans), 1, length, length), float("-inf"))
        scale = like.new_ones(len(spans), 1, length, 1)
        for place, (first, count) in enumerate(spans):
            real = slice(first, first + count)
            bias[place, 0, :, real] = 0
            bias[place, 0, real, real], scale[place, 0, real] = self._of_length(count, like)
        return bias.index_select(0, of_row), scale.index_select(0, of_row)

    def _of_length(self, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
        key = (length, (like.dtype, like.device))
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        self._known[key] = _bias_and_scale(self._make, length, like, causal=False)
        while len(self._known) > 1 and sum(bias.numel() for bias, _ in self._known.values()) > self._kept:
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


def _bias_and_scale(make: MakeAttention, length: int, like: Tensor, *, causal: bool) -> tuple[Tensor, Tensor]:
    """Return B (T, T) and D (T, 1) of the attention matrix of this length, of the type and on the device of `like`.

    causal: B is -inf above the diagonal.
    """
    # A tensor made in inference mode could not be used in training afterwards.
    with torch.inference_mode(False), torch.no_grad():
        attention = make(length)
        sums = attention.sum(1, keepdim=True)
        bias = (attention / sums).clamp(min=_LEAST).log()
        if causal:
            bias += torch.full_like(bias, float("-inf")).triu(1)
        return bias.to(like.device, like.dtype), sums.to(like.device, like.dtype)
