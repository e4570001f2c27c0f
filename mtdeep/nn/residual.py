"""How a branch joins the stream: one small class for each way, none of them with parameters.

A layer is `for branch, norm, post_norm in ...: x = residual(x, branch, norm, post_norm)`. The normalisations belong to
the layer, under fairseq's names, and are handed in: each branch has one, which stands where the scheme puts it, and,
under schemes that normalise twice, a second one behind it. What flows between branches and layers is the residuals' own
affair: `start` makes it from the embeddings and `finish` makes the stack's output from it, so that a scheme may carry
more than one tensor along without a layer knowing.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Branch = Callable[[Tensor], Tensor]
"""(batch, time, dim) -> (batch, time, dim): attention or feed-forward, its dropout included; or a normalisation."""
Stream = Any
"""What flows between the layers: for most schemes one tensor (batch, time, dim)."""


class Residual(ABC):
    """A way to join a branch to the stream; for most, the stream is the tensor that the branches read."""

    adds_normalised: bool = False
    """Whether what a branch gives is normalised by itself before it is added."""

    @abstractmethod
    def __call__(self, x: Stream, branch: Branch, norm: Branch, post_norm: Branch) -> Stream:
        """Join one branch to the stream; post_norm is the identity under schemes that normalise once."""

    def start(self, x: Tensor) -> Stream:
        """Make the stream from the embeddings (batch, time, dim)."""
        return x

    def finish(self, x: Stream, norm: Branch) -> Tensor:
        """Make the stack's output (batch, time, dim) from the stream and the stack's last normalisation."""
        return norm(x)


def weighted(residual: Residual, factor: Tensor | None) -> Callable[[Stream, Branch, Branch, Branch], Stream]:
    """Return what joins as the residual does, with every branch times a factor, which has no dimensions; None is 1.

    The factor comes before all that the residual does, so that DeepNorm's alpha and ResiDual's scale stay beside it,
    but behind a normalisation of what the branch gives, which would undo it.
    """
    if factor is None:
        return residual

    def join(x: Stream, branch: Branch, norm: Branch, post_norm: Branch) -> Stream:
        if residual.adds_normalised:
            return residual(x, branch, norm, lambda x: factor * post_norm(x))
        return residual(x, lambda x: factor * branch(x), norm, post_norm)

    return join


class PostNorm(Residual):
    """x <- LN(x + f(x)): Vaswani et al. 2017, arXiv 1706.03762, section 3.1."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return norm(x + branch(x))


class PreNorm(Residual):
    """x <- x + w f(LN(x)), and one more LN at the end of the stack: Xiong et al. 2020, arXiv 2002.04745, Table 1.

    w is 1 there, and 1/m in CompleteP (arXiv 2505.01618, Table 1).
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return torch.add(x, branch(norm(x)), alpha=self.weight)


class DeepNorm(Residual):
    """x <- LN(alpha x + f(x)), alpha on the stream and not on the branch: arXiv 2203.00555, section 3 and Figure 2."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return norm(torch.add(branch(x), x, alpha=self.alpha))


class PeriNorm(Residual):
    """x <- x + LN'(f(LN(x))), and one more LN at the end of the stack: arXiv 2502.02732 (Peri-LN)."""

    adds_normalised = True

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return x + post_norm(branch(norm(x)))


class Keel(Residual):
    """x <- LN'(a x + f(LN(x))): arXiv 2601.19895."""

    def __init__(self, a: float) -> None:
        self.a = a

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return post_norm(torch.add(branch(norm(x)), x, alpha=self.a))


class B2TFirst(Residual):
    """Post-LN for the first branch of a layer, whose input goes on beside the stream: arXiv 2206.00330, B2T connection.

    `B2TLast` adds it once more.
    """

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> tuple[Tensor, Tensor]:
        """Join one branch; return the stream and the layer's input; all are (batch, time, dim)."""
        return norm(x + branch(x)), x


class B2TInner(Residual):
    """Post-LN for a branch that is neither the first nor the last of its layer: arXiv 2206.00330."""

    def __call__(
        self, x: tuple[Tensor, Tensor], branch: Branch, norm: Branch, post_norm: Branch
    ) -> tuple[Tensor, Tensor]:
        """Join one branch to the stream and pass the layer's input on, both (batch, time, dim)."""
        stream, bottom = x
        return norm(stream + branch(stream)), bottom


class B2TLast(Residual):
    """x <- LN(x_0 + x + f(x)), where f is the last branch of a layer and x_0 the layer's input: arXiv 2206.00330."""

    def __call__(self, x: tuple[Tensor, Tensor], branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch to the stream and to the layer's input; they and the result are (batch, time, dim)."""
        stream, bottom = x
        return norm(bottom + stream + branch(stream))


class NoSkip(Residual):
    """x <- f(LN(x)): the branch takes the stream's place; LN may be the identity (arXiv 2302.10322)."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return branch(norm(x))


class WeightedSkip(Residual):
    """x <- alpha x + sqrt(1 - alpha^2) f(LN(x)): the mean square of independent parts stays (arXiv 2302.10322)."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.branch_weight = math.sqrt(1 - alpha**2)

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return torch.add(self.alpha * x, branch(norm(x)), alpha=self.branch_weight)


class ReZero(Residual):
    """x <- x + a f(x); a, learned and 0 at first, stands in the norm's place: arXiv 2003.04887, section 3."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return x + norm(branch(x))


class ResiDual(Residual):
    """Post-LN beside a sum that is never normalised; the two meet at the end of the stack.

    x <- LN(x + f(x)), d <- d + scale f(x), output alpha x + LN(d): Xie et al. 2023, arXiv 2304.14802, section 3.1; the
    released code begins d at scale times the embeddings. f is computed once for both. d, which grows with depth, is
    kept in float32 whatever the precision of the rest (float64 in float64), so that it needs no scale below 1 in
    float16; LN undoes the scale but for its epsilon.
    """

    def __init__(self, alpha: float, scale: float) -> None:
        self.alpha = alpha
        self.scale = scale

    def __call__(
        self, x: tuple[Tensor, Tensor], branch: Branch, norm: Branch, post_norm: Branch
    ) -> tuple[Tensor, Tensor]:
        """Join one branch to x, which branches read, and to d, both (batch, time, dim)."""
        stream, dual = x
        joined = branch(stream)
        return norm(stream + joined), torch.add(dual, joined, alpha=self.scale)

    def start(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Make both streams from the embeddings (batch, time, dim)."""
        return x, self.scale * x.to(torch.promote_types(x.dtype, torch.float32))

    def finish(self, x: tuple[Tensor, Tensor], norm: Branch) -> Tensor:
        """Return alpha x + LN(d), (batch, time, dim), in the precision of x."""
        stream, dual = x
        return self.alpha * stream + norm(dual).to(stream.dtype)
