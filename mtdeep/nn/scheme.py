"""What a residual scheme hands to each stack. A new scheme is one function here and one row in `SCHEMES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from torch import nn

from mtdeep.nn import depth
from mtdeep.nn.config import Config, SchemeName
from mtdeep.nn.gate import Gate
from mtdeep.nn.norm import WideLayerNorm
from mtdeep.nn.residual import DeepNorm, PostNorm, PreNorm, ResiDual, Residual, ReZero
from mtdeep.nn.roles import BRANCH_MATRICES, Role

MakeNorm = Callable[[int], nn.Module]
"""From a width to a normalisation of that width, or to the identity."""

VALUES_AND_OUTPUTS = (Role.VALUE, Role.OUTPUT)
CROSS_VALUES_AND_OUTPUTS = (Role.CROSS_VALUE, Role.CROSS_OUTPUT)
FEED_FORWARD = (Role.FIRST, Role.SECOND)


def no_norm(dim: int) -> nn.Module:
    """Return the identity."""
    return nn.Identity()


@dataclass(frozen=True, kw_only=True)
class LayerScheme:
    """The parts by which one layer differs from the plain Transformer's.

    gains: Xavier gain of the roles that do not have 1. norm: what the residual is given for each branch.
    inner_norm: what stands before the last matrix of self-attention and feed-forward (Sub-LN's slot).
    """

    gains: Mapping[Role, float] = field(default_factory=dict)
    norm: MakeNorm = nn.LayerNorm
    inner_norm: MakeNorm = no_norm


@dataclass(frozen=True, kw_only=True)
class StackScheme:
    """The parts by which one stack differs from the plain Transformer.

    residual: how branches join the stream. layer: the parts of each layer, from its number (the first is 1).
    final_norm: what the stack ends with.
    """

    residual: Residual
    layer: Callable[[int], LayerScheme] = lambda number: LayerScheme()
    final_norm: MakeNorm = no_norm


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """The parts of both stacks of an encoder-decoder."""

    encoder: StackScheme
    decoder: StackScheme


def deepnorm(config: Config) -> Scheme:
    """DeepNorm: alpha on the stream, beta on value, output and both feed-forward matrices (arXiv 2203.00555, Fig. 2).

    The cross-attention's value and output are scaled too; queries and keys never are.
    """
    constants = depth.deepnorm(config.encoder_layers, config.decoder_layers)

    def stack(alpha: float, beta: float) -> StackScheme:
        gains = dict.fromkeys((*VALUES_AND_OUTPUTS, *CROSS_VALUES_AND_OUTPUTS, *FEED_FORWARD), beta)
        return StackScheme(residual=DeepNorm(alpha), layer=lambda number: LayerScheme(gains=gains))

    return Scheme(
        encoder=stack(constants.encoder_alpha, constants.encoder_beta),
        decoder=stack(constants.decoder_alpha, constants.decoder_beta),
    )


def subln(config: Config) -> Scheme:
    """Sub-LN (Magneto): Pre-LN, and a second normalisation before the last matrix of a branch (arXiv 2210.06423).

    gamma on value, output and both feed-forward matrices (Figure 2). Cross-attention has neither the inner
    normalisation nor the gain.
    """
    constants = depth.subln(config.encoder_layers, config.decoder_layers)

    def stack(gamma: float) -> StackScheme:
        parts = LayerScheme(
            gains=dict.fromkeys((*VALUES_AND_OUTPUTS, *FEED_FORWARD), gamma), inner_norm=nn.LayerNorm
        )
        return StackScheme(residual=PreNorm(), layer=lambda number: parts, final_norm=nn.LayerNorm)

    return Scheme(encoder=stack(constants.encoder_gamma), decoder=stack(constants.decoder_gamma))


def residual(config: Config) -> Scheme:
    """ResiDual: Post-LN and an un-normalised sum beside it (arXiv 2304.14802).

    Gain 1 everywhere, about which the paper is silent. The epsilon of 1e-7 is the released code's, and belongs to the
    last normalisation alone: a scale below 1 is to make no difference there.
    """
    stack = StackScheme(
        residual=ResiDual(config.residual_alpha, config.residual_scale), final_norm=partial(WideLayerNorm, eps=1e-7)
    )
    return Scheme(encoder=stack, decoder=stack)


def postln(config: Config) -> Scheme:
    """Post-LN, the 2017 Transformer, with gain 1 everywhere."""
    return Scheme(encoder=StackScheme(residual=PostNorm()), decoder=StackScheme(residual=PostNorm()))


def preln(config: Config) -> Scheme:
    """Pre-LN with gain 1 everywhere (arXiv 2002.04745)."""
    stack = StackScheme(residual=PreNorm(), final_norm=nn.LayerNorm)
    return Scheme(encoder=stack, decoder=stack)


def rezero(config: Config) -> Scheme:
    """ReZero: one learned factor, 0 at first, on the branches of a layer, and no normalisation (arXiv 2003.04887).

    One factor a layer, shared by its branches, as in the released code; gain 1.
    """

    def layer(number: int) -> LayerScheme:
        gate = Gate()
        return LayerScheme(norm=lambda dim: gate)

    stack = StackScheme(residual=ReZero(), layer=layer)
    return Scheme(encoder=stack, decoder=stack)


def dsinit(config: Config) -> Scheme:
    """DS-Init: Post-LN whose matrices start smaller the higher their layer stands (arXiv 1908.11365).

    The paper draws them uniformly; here they are normal, of the same variance, as in every scheme.
    """

    def layer(number: int) -> LayerScheme:
        return LayerScheme(gains=dict.fromkeys(BRANCH_MATRICES, depth.ds_init(number)))

    stack = StackScheme(residual=PostNorm(), layer=layer)
    return Scheme(encoder=stack, decoder=stack)


SCHEMES: Mapping[SchemeName, Callable[[Config], Scheme]] = {
    "deepnorm": deepnorm,
    "subln": subln,
    "residual": residual,
    "rezero": rezero,
    "dsinit": dsinit,
    "postln": postln,
    "preln": preln,
}
"""From `Config.scheme` to the parts."""
