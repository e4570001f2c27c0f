"""What a residual scheme hands to a stack. A new scheme is one function here and one row in `SCHEMES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from mtdeep.nn import depth
from mtdeep.nn.config import Config, SchemeName, StackName
from mtdeep.nn.factors import DepthRates, Factors
from mtdeep.nn.gate import Gate
from mtdeep.nn.matrices import Matrices
from mtdeep.nn.norm import ScaledLayerNorm, WideLayerNorm
from mtdeep.nn.parts import BranchName, Join, LayerScheme, StackScheme
from mtdeep.nn.residual import (
    B2TFirst,
    B2TInner,
    B2TLast,
    DeepNorm,
    Keel,
    PeriNorm,
    PostNorm,
    PreNorm,
    ResiDual,
    ReZero,
)
from mtdeep.nn.roles import BRANCH_MATRICES, Role
from mtdeep.nn.skipless import vanilla

VALUES_AND_OUTPUTS = (Role.VALUE, Role.OUTPUT)
CROSS_VALUES_AND_OUTPUTS = (Role.CROSS_VALUE, Role.CROSS_OUTPUT)
FEED_FORWARD = (Role.FIRST, Role.SECOND)


def deepnorm(config: Config, stack: StackName) -> StackScheme:
    """DeepNorm: alpha on the stream, beta on value, output and both feed-forward matrices (arXiv 2203.00555, Fig. 2).

    The cross-attention's value and output are scaled too; queries and keys never are.
    """
    constants_of = depth.deepnorm_encoder if stack == "encoder" else depth.deepnorm_decoder
    alpha, beta = constants_of(config.encoder_layers, config.decoder_layers)
    gains = dict.fromkeys((*VALUES_AND_OUTPUTS, *CROSS_VALUES_AND_OUTPUTS, *FEED_FORWARD), beta)
    return StackScheme(
        residual=DeepNorm(alpha),
        layer=lambda number: LayerScheme(matrices=Matrices(gains=gains)),
        rates=_deepnorm_rates(config, stack),
    )


def _deepnorm_rates(config: Config, stack: StackName) -> dict[DepthRates, Factors]:
    """Only an encoder that is read has a rule: a stack on its own has no source to lose."""
    if stack != "encoder" or config.decoder_layers == 0:
        return {}
    return {"adam": Factors(rate=depth.deepnorm_adam_rate(config.encoder_layers, config.decoder_layers))}


def subln(config: Config, stack: StackName) -> StackScheme:
    """Sub-LN (Magneto): Pre-LN, and a second normalisation before the last matrix of a branch (arXiv 2210.06423).

    gamma on value, output and both feed-forward matrices (Figure 2). Cross-attention has neither the inner
    normalisation nor the gain.
    """
    gamma_of = depth.subln_encoder if stack == "encoder" else depth.subln_decoder
    gamma = gamma_of(config.encoder_layers, config.decoder_layers)
    gains = dict.fromkeys((*VALUES_AND_OUTPUTS, *FEED_FORWARD), gamma)
    parts = LayerScheme(matrices=Matrices(gains=gains), inner_norm=nn.LayerNorm)
    return StackScheme(residual=PreNorm(), layer=lambda number: parts, final_norm=nn.LayerNorm)


def residual(config: Config, stack: StackName) -> StackScheme:
    """ResiDual: Post-LN and an un-normalised sum beside it (arXiv 2304.14802).

    Gain 1 everywhere, about which the paper is silent. The epsilon of 1e-7 is the released code's, and belongs to the
    last normalisation alone: a scale below 1 is to make no difference there.
    """
    return StackScheme(
        residual=ResiDual(config.residual_alpha, config.residual_scale), final_norm=partial(WideLayerNorm, eps=1e-7)
    )


def postln(config: Config, stack: StackName) -> StackScheme:
    """Post-LN, the 2017 Transformer, with gain 1 everywhere."""
    return StackScheme(residual=PostNorm())


def preln(config: Config, stack: StackName) -> StackScheme:
    """Pre-LN with gain 1 everywhere (arXiv 2002.04745).

    `tuned_depth`: branches and Adam's epsilon as CompleteP has them for depth, so that the rate that is best at that
    many layers a stack stays the best (arXiv 2505.01618).
    """
    if config.tuned_depth == 0:
        return StackScheme(residual=PreNorm(), final_norm=nn.LayerNorm)
    weight = depth.completep(config.of_stack(stack).layers, config.tuned_depth)
    return StackScheme(
        residual=PreNorm(weight), final_norm=nn.LayerNorm, rates={"completep": Factors(epsilon=weight)}
    )


def rezero(config: Config, stack: StackName) -> StackScheme:
    """ReZero: one learned factor, 0 at first, on the branches of a layer, and no normalisation (arXiv 2003.04887).

    One factor a layer, shared by its branches, as in the released code; gain 1.
    """

    def layer(number: int) -> LayerScheme:
        gate = Gate()
        return LayerScheme(norm=lambda dim: gate)

    return StackScheme(residual=ReZero(), layer=layer)


def dsinit(config: Config, stack: StackName) -> StackScheme:
    """DS-Init: Post-LN whose matrices start smaller the higher their layer stands (arXiv 1908.11365).

    The paper draws them uniformly; here they are normal, of the same variance, as in every scheme.
    """

    def layer(number: int) -> LayerScheme:
        return LayerScheme(matrices=Matrices(gains=dict.fromkeys(BRANCH_MATRICES, depth.ds_init(number))))

    return StackScheme(residual=PostNorm(), layer=layer)


def lns(config: Config, stack: StackName) -> StackScheme:
    """LayerNorm scaling: Pre-LN whose normalisations give less the higher their layer stands (arXiv 2502.05795).

    The final normalisation is not scaled. Gain 1: the authors advise against initial values that fall with depth.
    """

    def layer(number: int) -> LayerScheme:
        return LayerScheme(norm=partial(ScaledLayerNorm, factor=depth.layernorm_scaling(number)))

    return StackScheme(residual=PreNorm(), layer=layer, final_norm=nn.LayerNorm)


def periln(config: Config, stack: StackName) -> StackScheme:
    """Peri-LN: Pre-LN, and a second normalisation of what a branch gives, with gain 1 everywhere (arXiv 2502.02732)."""
    parts = LayerScheme(post_norm=nn.LayerNorm)
    return StackScheme(residual=PeriNorm(), layer=lambda number: parts, final_norm=nn.LayerNorm)


def keel(config: Config, stack: StackName) -> StackScheme:
    """Keel: the stream times its number of sub-layers, a normalisation before each branch and one after each sum.

    Attention in the first layer is joined as under Pre-LN, and that layer's feed-forward without the multiplier; gain 1
    everywhere (arXiv 2601.19895). The paper has decoders alone: that the first cross-attention is an exception like the
    first self-attention, and that each stack begins with these exceptions, is our reading. Normalisations have no bias,
    as the paper's have none; that they take the mean out, where the paper's RMSNorm does not, is ours.
    """
    layers = config.encoder_layers, config.decoder_layers
    a = depth.keel_encoder(layers[0]) if stack == "encoder" else depth.keel_decoder(*layers)
    norm = partial(nn.LayerNorm, bias=False)
    attention = Join(PreNorm(), norm)
    first = LayerScheme(joins={"self_attn": attention, "encoder_attn": attention, "final": Join(Keel(1), norm, norm)})
    others = LayerScheme(norm=norm, post_norm=norm)
    return StackScheme(residual=Keel(a), layer=lambda number: first if number == 1 else others)


def b2t(config: Config, stack: StackName) -> StackScheme:
    """B2T connection: Post-LN, and a layer's input added once more before its last normalisation (arXiv 2206.00330).

    All matrices of a layer start smaller the deeper the stack is. The authors' code scales uniform draws; here they are
    Xavier normal, as in every scheme with skips.
    """
    gains = dict.fromkeys(BRANCH_MATRICES, depth.b2t(config.of_stack(stack).layers))
    joins: dict[BranchName, Join] = {"self_attn": Join(B2TFirst()), "final": Join(B2TLast())}
    parts = LayerScheme(matrices=Matrices(gains=gains), joins=joins)
    return StackScheme(residual=B2TInner(), layer=lambda number: parts)


SCHEMES: Mapping[SchemeName, Callable[[Config, StackName], StackScheme]] = {
    "deepnorm": deepnorm,
    "subln": subln,
    "residual": residual,
    "rezero": rezero,
    "dsinit": dsinit,
    "postln": postln,
    "preln": preln,
    "lns": lns,
    "periln": periln,
    "keel": keel,
    "b2t": b2t,
    "vanilla": vanilla,
}
"""From `Config.scheme` to the parts of a stack."""
