"""A table that follows from positions alone, made as long as it is needed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class GrowingTable:
    """Rows 0, 1, 2, ... of a table that `make(rows)` can make of any length, its first rows always the same.

    No parameter and no buffer: it stays out of state dicts and of what distributed training copies around. It grows by
    doubling, as decoding asks for one more row at every step. Other types and devices are given copies.
    """

    def __init__(self, make: Callable[[int], Tensor], first_rows: int = 256) -> None:
        self._make = make
        self._first_rows = first_rows
        self._table: Tensor | None = None
        self._copies: dict[tuple[torch.dtype, torch.device], Tensor] = {}

    def __call__(self, rows: int, like: Tensor) -> Tensor:
        """Return at least `rows` rows, of the type and on the device of `like`."""
        if self._table is None or self._table.size(0) < rows:
            self._table = self._make(max(2 * rows, self._first_rows))
            self._copies.clear()
        kind = (like.dtype, like.device)
        if kind not in self._copies:
            # Always from the original: what another type has rounded does not come back.
            self._copies[kind] = self._table.to(like)
        return self._copies[kind]
