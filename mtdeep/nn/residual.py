"""How a branch joins the stream: one small class for each way, none of them with parameters.

A layer is `for branch, norm in ...: x = residual(x, branch, norm)`. The normalisations belong to the layer, under
fairseq's names, and are handed in. What flows between the layers is the residual's own affair: `start` makes it from
the embeddings and `finish` makes the stack's output from it, so that a scheme may carry more than one tensor along
without a layer knowing.
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

    @abstractmethod
    def __call__(self, x: Stream, branch: Branch, norm: Branch) -> Stream:
        """Join one branch to the stream."""

    def start(self, x: Tensor) -> Stream:
        """Make the stream from the embeddings (batch, time, dim)."""
        return x

    def finish(self, x: Stream, norm: Branch) -> Tensor:
        """Make the stack's output (batch, time, dim) from the stream and the stack's last normalisation."""
        return norm(x)


def weighted(residual: Residual, factor: Tensor | None) -> Callable[[Stream, Branch, Branch], Stream]:
    """Return what joins as the residual does, with every branch times a factor, which has no dimensions; None is 1.

    The factor comes before all that the residual does: DeepNorm's alpha and ResiDual's scale stay beside it.
    """
    if factor is None:
        return residual

    def join(x: Stream, branch: Branch, norm: Branch) -> Stream:
        return residual(x, lambda x: factor * branch(x), norm)

    return join


class PostNorm(Residual):
    """x <- LN(x + f(x)): Vaswani et al. 2017, arXiv 1706.03762, section 3.1."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return norm(x + branch(x))


class PreNorm(Residual):
    """x <- x + f(LN(x)), and one more LN at the end of the stack: Xiong et al. 2020, arXiv 2002.04745, Table 1."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return x + branch(norm(x))


class DeepNorm(Residual):
    """x <- LN(alpha x + f(x)), alpha on the stream and not on the branch: arXiv 2203.00555, section 3 and Figure 2."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return norm(torch.add(branch(x), x, alpha=self.alpha))


class NoSkip(Residual):
    """x <- f(LN(x)): the branch takes the stream's place; LN may be the identity (arXiv 2302.10322)."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return branch(norm(x))


class WeightedSkip(Residual):
    """x <- alpha x + sqrt(1 - alpha^2) f(LN(x)): the mean square of independent parts stays (arXiv 2302.10322)."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.branch_weight = math.sqrt(1 - alpha**2)

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return torch.add(self.alpha * x, branch(norm(x)), alpha=self.branch_weight)


class ReZero(Residual):
    """x <- x + a f(x); a, learned and 0 at first, stands in the norm's place: arXiv 2003.04887, section 3."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
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

    def __call__(self, x: tuple[Tensor, Tensor], branch: Branch, norm: Branch) -> tuple[Tensor, Tensor]:
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
