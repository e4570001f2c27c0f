"""``--guard``: updates that would spoil the weights are not made, and a training that goes on failing says where.

An update is spoilt when its gradient is not finite, or its norm many times that of the updates before. It is skipped,
and its batch kept. After several in a row the weights themselves are suspected: the training goes back to its newest
checkpoint, and on from behind these batches. Where that does not help it ends, with the name of a layer.

The norm is that of all processes together, so that they decide alike.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Mapping
from typing import Any

TIMES = 50.0
"""By which the norm exceeds the median of the last ones; short trainings that went well have come to 5 times."""
REMEMBERED, LEAST = 100, 20
"""Norms of which the median is taken, and how few are too few to know."""
IN_A_ROW = 3
"""Spoilt updates after which the training goes back; as many after that end it."""


class SpoiltUpdate(Exception):
    """An update that must not be made; says why."""


class Guard:
    """What the last updates were like."""

    def __init__(self) -> None:
        self._norms: deque[float] = deque(maxlen=REMEMBERED)
        self._spoilt = 0
        self._good = REMEMBERED

    def look(self, norm: float, *, scaled: bool) -> None:
        """Take the norm of an update's gradient; raises SpoiltUpdate when the update is to be skipped.

        Where the loss is *scaled*, a norm that is not finite tells of the scale alone, which is lowered for it.
        """
        if not math.isfinite(norm):
            if scaled:
                return
            self._spoilt += 1
            raise SpoiltUpdate("its gradient is not finite")
        median = statistics.median(self._norms) if len(self._norms) >= LEAST else math.inf
        if norm > TIMES * median:
            self._spoilt += 1
            raise SpoiltUpdate(f"its gradient's norm is {norm / median:,.0f} times the median of those before")
        self._norms.append(norm)
        self._spoilt = 0
        self._good += 1

    @property
    def gives_up(self) -> bool:
        """Whether so many were spoilt in a row that skipping alone does not help."""
        return self._spoilt >= IN_A_ROW

    @property
    def may_go_back(self) -> bool:
        """Whether the training has not gone back of late."""
        return self._good >= REMEMBERED

    def went_back(self) -> None:
        """Note that the training goes on from an earlier checkpoint."""
        self._spoilt = self._good = 0

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint has to hold."""
        return {"norms": list(self._norms), "spoilt": self._spoilt, "good": self._good}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self._norms = deque(state["norms"], maxlen=REMEMBERED)
        self._spoilt, self._good = state["spoilt"], state["good"]
