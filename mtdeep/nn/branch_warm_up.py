"""Branches that come in one layer after the other while a model is trained (ProRes, arXiv 2603.05369)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import torch
from torch import Tensor, nn

from mtdeep.nn.depth import branch_warm_up_end


class BranchWarmUp(nn.Module):
    """The factor of each layer's branches, min(t / (T l), 1), when the weights have had t updates.

    l is counted from 1 within the stack. As in the released code (dandingsky/ProRes) the first update is made at t = 0:
    it moves nothing but what is outside of the branches. After T times the layers `factors` has none to give, and the
    stack computes what it would without a warm-up.

    t is a tensor, so that compiled layers do not depend on its value, of whole numbers, as a model in bfloat16 would
    round others beyond 256, and in no state dict: a checkpoint records it as its number of updates.
    """

    updates: Tensor
    ends: Tensor

    def __init__(self, T: int, layers: int) -> None:
        super().__init__()
        ends = [branch_warm_up_end(number, T) for number in range(1, layers + 1)]
        # On a real device even where the parameters are on none: no checkpoint will bring these.
        self.register_buffer("updates", torch.tensor(0, device="cpu"), persistent=False)
        self.register_buffer("ends", torch.tensor(ends, device="cpu"), persistent=False)
        self._last_end = ends[-1]
        self._over = False

    def set_num_updates(self, num_updates: int) -> None:
        """Set t."""
        self.updates.fill_(num_updates)
        self._over = num_updates >= self._last_end

    def factors(self, x: Tensor) -> Iterable[Tensor | None]:
        """Return each layer's factor, a tensor without dimensions, for a stream that begins as x; None is 1.

        In float32, or in float64 where x is.
        """
        if self._over:
            return repeat(None)
        t = self.updates.to(torch.promote_types(x.dtype, torch.float32))
        return (t / self.ends).clamp(max=1).unbind()
