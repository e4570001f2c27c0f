"""A table that follows from positions alone, made as long as it is needed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_FIRST_ROWS = 256


class GrowingTable:
    """Rows 0, 1, 2, ... of a table that `make(rows)` can make of any length, its first rows always the same.

    No parameter and no buffer: it stays out of state dicts and of what distributed training copies around. It grows by
    doubling, as decoding asks for one more row at every step. Other types and devices are given copies.
    """

    def __init__(self, make: Callable[[int], Tensor]) -> None:
        self._make = make
        self._table: Tensor | None = None
        self._copies: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def __call__(self, rows: int, like: Tensor) -> Tensor:
        """Return at least `rows` rows, of the type and on the device of `like`."""
        if self._table is None or self._table.size(0) < rows:
            # A tensor made in inference mode could not be used in training afterwards.
            with torch.inference_mode(False):
                self._table = self._make(max(2 * rows, _FIRST_ROWS))
            self._copies.clear()
        kind = (like.dtype, like.device)
        if kind not in self._copies:
            # Always from the original: what another type has rounded does not come back.
            with torch.inference_mode(False):
                self._copies[kind] = self._table.to(*kind[::-1])
        return self._copies[kind]
