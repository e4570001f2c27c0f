"""Plain data for what goes into a checkpoint, so that anything can read it: no numbers of numpy, no choices."""

from __future__ import annotations

import copy
from argparse import Namespace
from enum import Enum
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return a value in which numbers and arrays of numpy are Python's numbers and lists, and choices their values.

    What needs no change is the same object still: the dictionaries of tensors carry more than their entries.
    """
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Namespace):
        entries = plain(vars(value))
        return value if entries is vars(value) else Namespace(**entries)
    if isinstance(value, dict):
        return _plain_dictionary(value)
    if type(value) in (list, tuple):
        items = [plain(item) for item in value]
        return value if _same(items, value) else type(value)(items)
    return value


def _plain_dictionary(value: dict[Any, Any]) -> dict[Any, Any]:
    keys, entries = [plain(key) for key in value], [plain(entry) for entry in value.values()]
    if _same(keys, value) and _same(entries, value.values()):
        return value
    changed = copy.copy(value)
    changed.clear()
    changed.update(zip(keys, entries, strict=True))
    return changed


def _same(new: Any, old: Any) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))
