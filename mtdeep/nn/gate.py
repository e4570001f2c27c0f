"""ReZero's learned factor on the branches of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mtdeep.nn.roles import Role


class Gate(nn.Module):
    """Multiplies by one learned number, 0 at first (arXiv 2003.04887, section 3)."""

    roles: ClassVar[Mapping[str, Role]] = {"": Role.GATE}

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale x, of any shape."""
        return self.weight * x
