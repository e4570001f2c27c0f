"""Which source tokens a decoder layer looks at: the weights of its cross-attention, which fused attention never shows.

Shapes: B rows, H heads, T target positions, S source positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from mtdeep.nn.attention import MultiHeadAttention


@contextmanager
def recorded_weights(attention: MultiHeadAttention) -> Iterator[list[Tensor]]:
    """Collect the weights (B, T, S), float32 and averaged over the heads, of each pass of *attention* in the block.

    They are computed a second time, from what the pass is given, so a pass outside such a block costs nothing more.
    """
    weights: list[Tensor] = []

    def record(module: nn.Module, inputs: tuple) -> None:
        x, keys, _, visible = inputs
        weights.append(attention.weights(x, keys, visible).mean(dim=1))

    handle = attention.register_forward_pre_hook(record)
    try:
        yield weights
    finally:
        handle.remove()


def default_alignment_layer(layers: int) -> int:
    """Return the last layer but one, counted from 0, of a decoder.

    In a Transformer of 6 layers it is the one whose weights come nearest to alignments by hand (Garg et al. 2019, arXiv
    1909.02074).
    """
    return max(layers - 2, 0)
