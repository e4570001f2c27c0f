"""Replace values wherever they are in the lists, dictionaries and arguments of a checkpoint."""

from __future__ import annotations

import copy
from argparse import Namespace
from collections.abc import Callable
from typing import Any

Replacement = Callable[[Any], Any]


def replace(value: Any, replacement: Replacement) -> Any:
    """Return a value with *replacement* applied to it, to its entries, and to theirs.

    What needs no change is the same object still: the dictionaries of tensors carry more than their entries. Raises
    RecursionError for a value that holds itself.
    """
    return _replace(value, replacement, {})


def _replace(value: Any, replacement: Replacement, done: dict[int, tuple[Any, Any]]) -> Any:
    # Once for each object, however often a file refers to it.
    if id(value) not in done:
        done[id(value)] = value, _entries_replaced(replacement(value), lambda entry: _replace(entry, replacement, done))
    return done[id(value)][1]


def _entries_replaced(value: Any, change: Replacement) -> Any:
    if isinstance(value, Namespace):
        entries = change(vars(value))
        return value if entries is vars(value) else Namespace(**entries)
    if isinstance(value, dict):
        return _dictionary(value, change)
    if type(value) in (list, tuple):
        items = [change(item) for item in value]
        return value if _same(items, value) else type(value)(items)
    return value


def _dictionary(value: dict[Any, Any], change: Replacement) -> dict[Any, Any]:
    keys, entries = [change(key) for key in value], [change(entry) for entry in value.values()]
    if _same(keys, value) and _same(entries, value.values()):
        return value
    changed = copy.copy(value)
    changed.clear()
    changed.update(zip(keys, entries, strict=True))
    return changed


def _same(new: Any, old: Any) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))
