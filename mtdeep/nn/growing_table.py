"""A table that follows from positions alone, made as long as it is needed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_FIRST_ROWS = 256


class GrowingTable:
    """Rows 0, 1, 2, ... of a table that `make(rows)` can make of any length, its first rows always the same.

    No parameter and no buffer: it stays out of state dicts and of what distributed training copies around. It grows by
    doubling, as decoding asks for one more row at every step. Every type and device has a table of its own. Threads may
    share it: what a call returns is what that call has looked at or made, whatever the others put in its place.
    """

    def __init__(self, make: Callable[[int], Tensor]) -> None:
        self._make = make
        self._tables: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def __call__(self, rows: int, like: Tensor) -> Tensor:
        """Return at least `rows` rows, of the type and on the device of `like`."""
        kind = (like.dtype, like.device)
        table = self._tables.get(kind)
        if table is None or table.size(0) < rows:
            # A tensor made in inference mode could not be used in training afterwards.
            with torch.inference_mode(False):
                table = self._tables[kind] = self._make(max(2 * rows, _FIRST_ROWS)).to(like.device, like.dtype)
        return table
