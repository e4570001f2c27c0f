"""How a branch joins the stream: one small class for each way, none of them with parameters.

A layer is `for branch, norm in ...: x = residual(x, branch, norm)`. The normalisations belong to the layer, under
fairseq's names, and are handed in. What flows between the layers is the residual's own affair (`Stream`): `start`
makes it from the embeddings and `finish` makes the stack's output from it, so that a scheme may carry more than one
tensor along without a layer knowing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

Branch = Callable[[Tensor], Tensor]
"""(batch, time, dim) -> (batch, time, dim): attention or feed-forward, its dropout included."""


class Residual(ABC):
    """A way to join a branch to the stream.

    `final_norm` says whether a stack that uses it ends with a normalisation, which `finish` receives (else the
    identity).
    """

    final_norm: ClassVar[bool]

    @abstractmethod
    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""

    def start(self, x: Tensor) -> Tensor:
        """Make the stream from the embeddings (batch, time, dim)."""
        return x

    def finish(self, x: Tensor, norm: Branch) -> Tensor:
        """Make the stack's output (batch, time, dim) from the stream."""
        return norm(x)


class PostNorm(Residual):
    """x <- LN(x + f(x)): Vaswani et al. 2017, arXiv 1706.03762, section 3.1."""

    final_norm = False

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return norm(x + branch(x))


class PreNorm(Residual):
    """x <- x + f(LN(x)), and one more LN at the end of the stack: Xiong et al. 2020, arXiv 2002.04745, Table 1."""

    final_norm = True

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return x + branch(norm(x))


class DeepNorm(Residual):
    """x <- LN(alpha x + f(x)), alpha on the stream and not on the branch: arXiv 2203.00555, section 3 and Figure 2."""

    final_norm = False

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        """Join one branch; x and the result are (batch, time, dim)."""
        return norm(torch.add(branch(x), x, alpha=self.alpha))
