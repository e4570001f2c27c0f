"""Every constant that follows from depth alone: plain arithmetic on layer counts, no tensors.

N is the number of encoder layers and M the number of decoder layers, each a full Transformer layer (an encoder layer
has two branches, a decoder layer three). Nobody else in the package writes these numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class StackConstants(NamedTuple):
    """The residual multiplier alpha and the initial gain beta of one stack."""

    alpha: float
    beta: float


class DepthConstants(NamedTuple):
    """DeepNorm's constants of an encoder-decoder."""

    encoder_alpha: float
    encoder_beta: float
    decoder_alpha: float
    decoder_beta: float


def deepnorm(N: int, M: int) -> DepthConstants:
    """Return DeepNorm's constants of an encoder-decoder with N and M layers.

    encoder: alpha = 0.81 (N^4 M)^(1/16), beta = 0.87 (N^4 M)^(-1/16);
    decoder: alpha = (3M)^(1/4), beta = (12M)^(-1/4).
    The printed, rounded 0.81 and 0.87 are meant (exactly 27^(-1/16) and 27^(1/16) / sqrt(2)): every published
    checkpoint was trained with them.

    Raises ValueError when a layer count is below one.
    Source: Wang et al., "DeepNet: Scaling Transformers to 1,000 Layers", arXiv 2203.00555, Figure 2.
    """
    _check_layers(N=N, M=M)
    joint_depth = (N**4 * M) ** (1 / 16)
    return DepthConstants(
        encoder_alpha=0.81 * joint_depth,
        encoder_beta=0.87 / joint_depth,
        decoder_alpha=(3 * M) ** 0.25,
        decoder_beta=(12 * M) ** -0.25,
    )


def deepnorm_encoder_only(N: int) -> StackConstants:
    """Return alpha = (2N)^(1/4) and beta = (8N)^(-1/4) of an encoder of N layers that no decoder reads.

    Raises ValueError when N is below one. Source: arXiv 2203.00555, Figure 2.
    """
    _check_layers(N=N)
    return StackConstants(alpha=(2 * N) ** 0.25, beta=(8 * N) ** -0.25)


def deepnorm_decoder_only(M: int) -> StackConstants:
    """Return alpha = (2M)^(1/4) and beta = (8M)^(-1/4) of a language model of M layers.

    Raises ValueError when M is below one. Source: arXiv 2203.00555, Figure 2.
    """
    _check_layers(M=M)
    return StackConstants(alpha=(2 * M) ** 0.25, beta=(8 * M) ** -0.25)


class SublnConstants(NamedTuple):
    """Sub-LN's initial gains of an encoder-decoder."""

    encoder_gamma: float
    decoder_gamma: float


def subln(N: int, M: int) -> SublnConstants:
    """Return Sub-LN's initial gains of an encoder-decoder with N and M layers.

    encoder: gamma = sqrt(log(3M) log(2N) / 3); decoder: gamma = sqrt(log 3M); natural logarithms. Unlike DeepNorm's
    beta they grow with depth: with them the size of the first updates does not depend on it (equation 17).

    Raises ValueError when a layer count is below one.
    Source: Wang et al., "Foundation Transformers" (Magneto), arXiv 2210.06423, Figure 2.
    """
    _check_layers(N=N, M=M)
    decoder = math.log(3 * M)
    return SublnConstants(
        encoder_gamma=math.sqrt(decoder * math.log(2 * N) / 3), decoder_gamma=math.sqrt(decoder)
    )


def subln_encoder_only(N: int) -> float:
    """Return gamma = sqrt(log 2N) of an encoder of N layers that no decoder reads.

    Raises ValueError when N is below one. Source: arXiv 2210.06423, Figure 2.
    """
    _check_layers(N=N)
    return math.sqrt(math.log(2 * N))


def subln_decoder_only(M: int) -> float:
    """Return gamma = sqrt(log 2M) of a language model of M layers.

    Raises ValueError when M is below one. Source: arXiv 2210.06423, Figure 2.
    """
    _check_layers(M=M)
    return math.sqrt(math.log(2 * M))


def ds_init(layer: int) -> float:
    """Return the gain 1 / sqrt(l) of every matrix of layer l, counted from 1 in each stack.

    Raises ValueError when l is below one. Source: Zhang, Titov and Sennrich 2019, "Improving Deep Transformer with
    Depth-Scaled Initialization", arXiv 1908.11365, with alpha = 1.
    """
    _check_layers(l=layer)
    return 1 / math.sqrt(layer)


def _check_layers(**layers: int) -> None:
    for symbol, count in layers.items():
        if count < 1:
            raise ValueError(f"{symbol} = {count} layers: at least one is needed")
