"""Plain data for what goes into a checkpoint, so that anything can read it: no numbers of numpy, no choices."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from mtdeep.checkpoint.replace import replace


def plain(value: Any) -> Any:
    """Return a value in which numbers and arrays of numpy are Python's numbers and lists, and choices their values.

    What needs no change is the same object still.
    """
    return replace(value, _plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
