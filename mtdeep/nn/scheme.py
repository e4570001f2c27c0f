"""What a residual scheme hands to a stack. A new scheme is one function here and one row in `SCHEMES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

from torch import Tensor, nn

from mtdeep.nn import depth, signal_kernels
from mtdeep.nn.attention import Attend
from mtdeep.nn.config import Config, SchemeName, StackName
from mtdeep.nn.dot_product import dot_product_attention
from mtdeep.nn.factors import DepthRates, Factors
from mtdeep.nn.gate import Gate
from mtdeep.nn.matrices import SCALED_ORTHOGONAL, Matrices
from mtdeep.nn.norm import ScaledLayerNorm, WideLayerNorm
from mtdeep.nn.residual import (
    B2TFirst,
    B2TInner,
    B2TLast,
    DeepNorm,
    Keel,
    NoSkip,
    PeriNorm,
    PostNorm,
    PreNorm,
    ResiDual,
    Residual,
    ReZero,
    WeightedSkip,
)
from mtdeep.nn.roles import BRANCH_MATRICES, Role
from mtdeep.nn.shaped_attention import (
    KEPT_OF_A_STACK,
    CausalShapedAttention,
    SymmetricMatrices,
    ValueSkipInit,
    symmetric_shaped_attention,
)
from mtdeep.nn.visibility import OfLayers, alike

MakeNorm = Callable[[int], nn.Module]
"""From a width to a normalisation of that width, or to the identity."""

BranchName = Literal["self_attn", "encoder_attn", "final"]
"""A branch of a layer as fairseq names it before `_layer_norm`; "final" is the feed-forward."""

VALUES_AND_OUTPUTS = (Role.VALUE, Role.OUTPUT)
CROSS_VALUES_AND_OUTPUTS = (Role.CROSS_VALUE, Role.CROSS_OUTPUT)
FEED_FORWARD = (Role.FIRST, Role.SECOND)


def no_norm(dim: int) -> nn.Module:
    """Return the identity."""
    return nn.Identity()


class Join(NamedTuple):
    """A way to join a branch to the stream, and what it is given as the branch's normalisations.

    On disk they are `*_layer_norm` and, under schemes that have a second one, `*_post_layer_norm`.
    """

    residual: Residual
    norm: MakeNorm = nn.LayerNorm
    post_norm: MakeNorm = no_norm


@dataclass(frozen=True, kw_only=True)
class LayerScheme:
    """The parts by which one layer differs from the plain Transformer's.

    matrices: how they start. norm, post_norm: what the residual is given for each branch. inner_norm: what stands
    before the last matrix of self-attention and feed-forward (Sub-LN's slot). attend: self-attention's formula. joins:
    how single branches join the stream, where not by the stack's residual and those normalisations.
    """

    matrices: Matrices = field(default_factory=Matrices)
    norm: MakeNorm = nn.LayerNorm
    post_norm: MakeNorm = no_norm
    inner_norm: MakeNorm = no_norm
    attend: Attend = dot_product_attention
    joins: Mapping[BranchName, Join] = field(default_factory=dict)

    def join(self, branch: BranchName, residual: Residual) -> Join:
        """Return how a branch joins the stream in a stack of that residual."""
        return self.joins.get(branch, Join(residual, self.norm, self.post_norm))


@dataclass(frozen=True, kw_only=True)
class StackScheme:
    """The parts by which one stack differs from the plain Transformer.

    residual: how branches join the stream. layer: the parts of each layer, from its number (the first is 1).
    final_norm: what the stack ends with. visible: what each layer of an encoder is told of the tokens to look at.
    rates: what Adam's options are multiplied with for the layers' parameters, under each rule that the scheme has.
    """

    residual: Residual
    layer: Callable[[int], LayerScheme] = lambda number: LayerScheme()
    final_norm: MakeNorm = no_norm
    visible: OfLayers = alike
    rates: Mapping[DepthRates, Factors] = field(default_factory=dict)


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
