"""Self-attention whose weights start as a planned matrix: what keeps tokens apart where there are no skips.

Each is called as `dot_product_attention` is. Shapes: B rows, H heads, T queries, S keys, hd width of a head.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor, nn

from mtdeep.nn.autocast import product_dtype
from mtdeep.nn.dot_product import dot_product_attention
from mtdeep.nn.gate import Gate
from mtdeep.nn.roles import Role
from mtdeep.nn.visibility import Visibility

MakeMatrix = Callable[[int], Tensor]
"""From a length T to the attention matrix (T, T) in float64: no negative entry, rows of any positive sum."""
MakeMatrices = Callable[[int], Iterable[Tensor]]
"""The same for every layer of a stack, the first one's first."""
BiasAndScale = tuple[Tensor, Tensor]
"""B and D of the formula below, for one layer."""
Kind = tuple[torch.dtype, torch.device]
KEPT_OF_A_STACK = 2**27
"""Numbers that the layers of an encoder keep of the lengths they have met: 512 MiB in float32."""
_FORGETTING = Lock()  # one for all models: a lock of a model's own could not be copied with it
_LEAST = 1e-30  # of an attention weight: what rounding has made 0 can still grow


class CausalShapedAttention:
    """D softmax(Q K' / sqrt(hd) + B) V, which with Q = 0 is A V for a lower triangular A given in advance.

    D holds the sums of A's rows and B = log(D^-1 A), -inf above the diagonal (arXiv 2302.10322, equations 8 and 9). B
    and D are worked out in float64 and then cast. As A's first rows do not depend on its length, the longest so far
    serves every length and every step of decoding.
    """

    def __init__(self, make: MakeMatrix) -> None:
        self._make = make
        self._known: dict[Kind, BiasAndScale] = {}

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float) -> Tensor:
        """Attend from queries (B, H, T, hd), which are the last T of the S positions; returns (B, H, T, hd).

        `visible` adds nothing: B hides later keys, and padding only ever follows the real tokens.
        """
        end = keys.size(2)
        rows = slice(end - queries.size(2), end)
        bias, scale = self._of_length(end, queries)
        return scale[rows] * dot_product_attention(queries, keys, values, Visibility(bias[rows, :end]), dropout)

    def _of_length(self, length: int, like: Tensor) -> BiasAndScale:
        """Return B and D of at least this length, of the type and on the device of `like`."""
        kind = (like.dtype, like.device)
        known = self._known.get(kind)
        if known is None or known[1].size(0) < length:
            # Decoding asks for one more row at every step.
            longer = length if like.size(2) == length else 2 * length
            # A tensor made in inference mode could not be used in training afterwards.
            with torch.inference_mode(False), torch.no_grad():
                # Another thread may put a shorter one in its place; this call goes on with its own.
                known = self._known[kind] = _bias_and_scale(self._make(longer), kind, causal=True)
        return known


@dataclass(frozen=True, kw_only=True)
class ShapedVisibility(Visibility):
    """What one layer of an encoder is told: B as the mask, and D as `scale`, for each row or for all."""

    scale: Tensor


def symmetric_shaped_attention(
    queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility, dropout: float
) -> Tensor:
    """The same for attention to both sides: B and D come with `visible`, from `SymmetricMatrices`."""
    assert isinstance(visible, ShapedVisibility), "an encoder's stack works out what its layers are told"
    return visible.scale * dot_product_attention(queries, keys, values, visible, dropout)


class SymmetricMatrices:
    """B and D of every layer of an encoder, which depend on the length of the sentence, its padding left out.

    Made for all layers at once, because a layer and the next share an eigendecomposition, which is what costs time, and
    outside the layers, which can then be compiled one by one whatever the lengths are. Remembered are the last length,
    and of those before it as many as `kept` numbers have room for.
    """

    def __init__(self, make: MakeMatrices, kept: int) -> None:
        self._make = make
        self._kept = kept
        self._known: OrderedDict[tuple[int, Kind], list[BiasAndScale]] = OrderedDict()

    def __call__(self, visible: Visibility, x: Tensor) -> Iterator[ShapedVisibility]:
        """Yield what each layer is told of x (B, S, D), padded on either side or not at all, as `visible` shows."""
        kind = (product_dtype(x), x.device)
        if visible.mask is None:
            for bias, scale in self._of_length(x.size(1), kind):
                yield ShapedVisibility(bias, scale=scale)
            return
        spans, of_row = visible.spans
        for of_spans in zip(*(self._of_length(count, kind) for _, count in spans), strict=True):
            bias, scale = _padded(spans, of_spans, x.size(1))
            yield ShapedVisibility(bias.index_select(0, of_row), scale=scale.index_select(0, of_row))

    def _of_length(self, length: int, kind: Kind) -> list[BiasAndScale]:
        """Return B (T, T) and D (T, 1) of each layer."""
        key = (length, kind)
        known = self._known.get(key)
        if known is None:
            # As above: what decoding has made must serve training.
            with torch.inference_mode(False), torch.no_grad():
                known = [_bias_and_scale(matrix, kind, causal=False) for matrix in self._make(length)]
        with _FORGETTING:
            self._known[key] = known
            self._known.move_to_end(key)
            while len(self._known) > 1 and self._numbers() > self._kept:
                self._known.popitem(last=False)
        return known

    def _numbers(self) -> int:
        return sum(len(layers) * length**2 for (length, _), layers in self._known.items())


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


def _padded(spans: Sequence[tuple[int, int]], tables: Sequence[BiasAndScale], length: int) -> BiasAndScale:
    """Return B (spans, 1, S, S) and D (spans, 1, S, 1); what padding looks at does not matter, but is finite."""
    like = tables[0][0]
    biases = like.new_full((len(spans), 1, length, length), float("-inf"))
    scales = like.new_ones(len(spans), 1, length, 1)
    for place, ((first, count), (bias, scale)) in enumerate(zip(spans, tables, strict=True)):
        real = slice(first, first + count)
        biases[place, 0, :, real] = 0
        biases[place, 0, real, real], scales[place, 0, real] = bias, scale
    return biases, scales


def _bias_and_scale(attention: Tensor, kind: Kind, *, causal: bool) -> BiasAndScale:
    """Return B (T, T) and D (T, 1) of an attention matrix (T, T), of that type and on that device.

    causal: B is -inf above the diagonal.
    """
    dtype, device = kind
    sums = attention.sum(1, keepdim=True)
    bias = (attention / sums).clamp(min=_LEAST).log()
    if causal:
        bias += torch.full_like(bias, float("-inf")).triu(1)
    return bias.to(device, dtype), sums.to(device, dtype)
