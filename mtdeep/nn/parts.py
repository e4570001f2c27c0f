"""The parts that a residual scheme hands to a stack and to its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from torch import nn

from mtdeep.nn.attention import Attend
from mtdeep.nn.dot_product import dot_product_attention
from mtdeep.nn.factors import DepthRates, Factors
from mtdeep.nn.matrices import Matrices
from mtdeep.nn.residual import Residual
from mtdeep.nn.visibility import OfLayers, alike

MakeNorm = Callable[[int], nn.Module]
"""From a width to a normalisation of that width, or to the identity."""

BranchName = Literal["self_attn", "encoder_attn", "final"]
"""A branch of a layer as fairseq names it before `_layer_norm`; "final" is the feed-forward."""


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
