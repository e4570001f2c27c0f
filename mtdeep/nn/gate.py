"""A learned factor: ReZero's on a branch, Value-SkipInit's on a token's own value and on attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtdeep.nn.roles import Role


class Gate(nn.Module):
    """Multiplies by one learned number: 0 at first as Role.GATE (arXiv 2003.04887, section 3), 1 as Role.SKIP."""

    def __init__(self, role: Role = Role.GATE) -> None:
        super().__init__()
        self.roles = {"": role}
        self.weight = nn.Parameter(torch.empty(1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale x, of any shape."""
        return self.weight * x
