"""How many rows the columns of a corpus share, from one bit a row that says whether it is no gap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np


class PresenceBits:
    """One bit a row, packed as they come, however many rows come at a time."""

    def __init__(self) -> None:
        self._packed: list[np.ndarray] = []
        self._rest = np.zeros(0, dtype=bool)

    def append(self, rows: np.ndarray) -> None:
        """Take (rows,) bool; fewer than 8 wait for the next."""
        bits = np.concatenate([self._rest, rows])
        whole = len(bits) // 8 * 8
        self._packed.append(np.packbits(bits[:whole]))
        self._rest = bits[whole:]

    def packed(self) -> np.ndarray:
        """Return all of them, (ceil(rows / 8),) uint8."""
        return np.concatenate([*self._packed, np.packbits(self._rest)])


def pair_counts(presence: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Rows that each two columns share, in the manifest's order (0,1), (0,2), ..., (1,2), ...; a bit a row of each."""
    return tuple(int(np.bitwise_count(one & other).sum()) for one, other in combinations(presence, 2))
