"""The scheme of networks without shortcuts (arXiv 2302.10322)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from mtdeep.nn import depth, signal_kernels
from mtdeep.nn.attention import Attend
from mtdeep.nn.config import Config, StackName
from mtdeep.nn.dot_product import dot_product_attention
from mtdeep.nn.gate import Gate
from mtdeep.nn.matrices import SCALED_ORTHOGONAL, Matrices
from mtdeep.nn.parts import BranchName, Join, LayerScheme, StackScheme, no_norm
from mtdeep.nn.residual import NoSkip, ReZero, WeightedSkip
from mtdeep.nn.roles import Role
from mtdeep.nn.shaped_attention import (
    KEPT_OF_A_STACK,
    CausalShapedAttention,
    SymmetricMatrices,
    ValueSkipInit,
    symmetric_shaped_attention,
)
from mtdeep.nn.visibility import alike


def vanilla(config: Config, stack: StackName) -> StackScheme:
    """Without shortcuts: self-attention shaped at the start, orthogonal matrices, no bias at first (arXiv 2302.10322).

    The paper's three settings: neither skips nor normalisation; `branch_norm`: normalised, no skips; `skip_alpha`:
    skips of that weight alpha, branches of sqrt(1 - alpha^2), no normalisation. `shaping` says how self-attention
    starts; under E-SPA and U-SPA the query matrix is 0 at first.

    The paper has no cross-attention. Here it is a skip with a learned factor, 0 at first, on what it adds (the gate of
    ReZero, which Flamingo, arXiv 2204.14198, puts on cross-attention too), in all three settings: at the start the
    decoder's tokens then have the planned kernels, which anything shared between target positions would upset, since
    E-SPA's matrices enlarge a common part of all tokens up to twentyfold; and the encoder is read as soon as the
    factor has moved. The final normalisation is there where branches are normalised.
    """
    norm = nn.LayerNorm if config.branch_norm else no_norm
    layers = config.encoder_layers if stack == "encoder" else config.decoder_layers
    shaped = config.shaping in ("espa", "uspa")
    matrices = Matrices(draw=SCALED_ORTHOGONAL, gains={Role.QUERY: 0.0} if shaped else {})
    joins: dict[BranchName, Join] = {"encoder_attn": Join(ReZero(), _gate)}
    attend = _attention(config, stack, layers)

    def layer(number: int) -> LayerScheme:
        return LayerScheme(matrices=matrices, norm=norm, attend=attend(number), joins=joins)

    skip = WeightedSkip(config.skip_alpha) if config.skip_alpha else NoSkip()
    visible = _symmetric_matrices(config) if shaped and stack == "encoder" else alike
    return StackScheme(residual=skip, layer=layer, final_norm=norm, visible=visible)


def _gate(dim: int) -> nn.Module:
    return Gate()


def _attention(config: Config, stack: StackName, layers: int) -> Callable[[int], Attend]:
    """Return what makes self-attention's formula from a layer's number."""
    if config.shaping == "none":
        return lambda number: dot_product_attention
    if config.shaping == "value_skipinit":
        return lambda number: ValueSkipInit()
    if stack == "encoder":
        return lambda number: symmetric_shaped_attention
    espa = config.shaping == "espa"
    make = signal_kernels.exponential_causal if espa else signal_kernels.uniform_causal
    schedule = _schedule(config, layers)
    return lambda number: CausalShapedAttention(
        partial(_planned, make=make, before=schedule[number - 1], now=schedule[number])
    )


def _symmetric_matrices(config: Config) -> SymmetricMatrices:
    espa = config.shaping == "espa"
    make = signal_kernels.exponential_symmetric if espa else signal_kernels.uniform_symmetric
    return SymmetricMatrices(partial(make, schedule=_schedule(config, config.encoder_layers)), KEPT_OF_A_STACK)


def _schedule(config: Config, layers: int) -> list[float]:
    """Return what E-SPA's or U-SPA's kernels follow from, before the first layer and after each."""
    if config.shaping == "espa":
        return [depth.espa_amplitude(number, layers, config.espa_gamma) for number in range(layers + 1)]
    return [depth.uspa_correlation(number, layers, config.uspa_rho) for number in range(layers + 1)]


def _planned(length: int, make: Callable[[int, float, float], Tensor], before: float, now: float) -> Tensor:
    return make(length, before, now)
