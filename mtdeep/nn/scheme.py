"""What a residual scheme hands to each stack. A new scheme is one function here and one row in `SCHEMES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from mtdeep.nn import depth
from mtdeep.nn.residual import DeepNorm, PostNorm, PreNorm, Residual
from mtdeep.nn.roles import Role


def no_inner_norm(dim: int) -> nn.Module:
    """Return the identity: the branch does not normalise before its last matrix."""
    return nn.Identity()


@dataclass(frozen=True, kw_only=True)
class StackScheme:
    """The parts by which one stack differs from the plain Transformer.

    residual: how branches join the stream. gains: Xavier gain of the roles that do not have 1.
    inner_norm: what stands before the last matrix of self-attention and feed-forward, given its width (Sub-LN's slot).
    """

    residual: Residual
    gains: Mapping[Role, float] = field(default_factory=dict)
    inner_norm: Callable[[int], nn.Module] = no_inner_norm


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """The parts of both stacks of an encoder-decoder."""

    encoder: StackScheme
    decoder: StackScheme


def deepnorm(N: int, M: int) -> Scheme:
    """DeepNorm: alpha on the stream, beta on value, output and both feed-forward matrices (arXiv 2203.00555, Fig. 2).

    The cross-attention's value and output are scaled too; queries and keys never are.
    """
    constants = depth.deepnorm(N, M)

    def scaled(beta: float) -> dict[Role, float]:
        roles = (Role.VALUE, Role.OUTPUT, Role.CROSS_VALUE, Role.CROSS_OUTPUT, Role.FIRST, Role.SECOND)
        return dict.fromkeys(roles, beta)

    return Scheme(
        encoder=StackScheme(residual=DeepNorm(constants.encoder_alpha), gains=scaled(constants.encoder_beta)),
        decoder=StackScheme(residual=DeepNorm(constants.decoder_alpha), gains=scaled(constants.decoder_beta)),
    )


def postln(N: int, M: int) -> Scheme:
    """Post-LN, the 2017 Transformer, with gain 1 everywhere."""
    return Scheme(encoder=StackScheme(residual=PostNorm()), decoder=StackScheme(residual=PostNorm()))


def preln(N: int, M: int) -> Scheme:
    """Pre-LN with gain 1 everywhere (arXiv 2002.04745)."""
    return Scheme(encoder=StackScheme(residual=PreNorm()), decoder=StackScheme(residual=PreNorm()))


SCHEMES: Mapping[str, Callable[[int, int], Scheme]] = {"deepnorm": deepnorm, "postln": postln, "preln": preln}
"""From the name in `Config.scheme` and the layer counts (N, M) to the parts."""
