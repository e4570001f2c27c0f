"""Patches that put something else in the place of a function or a class that a module of fairseq has or uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from mtdeep.fairseq_plugin.compat.overlay import Overlay
from mtdeep.fairseq_plugin.compat.patch import Patch

Make = Callable[[Any], Any]
"""Takes the original and returns what takes its place; written in the patch's own file."""


def replacement(
    *, name: str, mends: str, ticket: str, module: str, needed: Callable[[], bool], places: Mapping[str, Make]
) -> Patch:
    """Return the patch that replaces what stands at *places*, dotted paths in a module, after its execution."""

    def apply() -> None:
        for path, make in places.items():
            replace(sys.modules[module], path, make)

    def active() -> bool:
        return all(is_replaced(module, path, make) for path, make in places.items())

    return Patch(
        name=name, mends=mends, ticket=ticket, moment="after", module=module, needed=needed, apply=apply, active=active
    )


def replace(owner: Any, path: str, make: Make) -> None:
    """Put what *make* returns in the place of the original, at a dotted *path* in *owner*.

    A class on the way is changed itself. Any other object on the way is left as it is: *owner* alone sees it through an
    overlay.
    """
    name, _, rest = path.partition(".")
    original = getattr(owner, name)
    if not rest:
        setattr(owner, name, make(original))
    elif isinstance(original, type):
        replace(original, rest, make)
    else:
        overlay = Overlay(original)
        replace(overlay, rest, make)
        setattr(owner, name, overlay)


def is_replaced(module: str, path: str, make: Make) -> bool:
    """Return whether what *make* has returned stands at *path* in an imported module, or is wrapped by what does."""
    value: Any = sys.modules.get(module)
    for name in path.split("."):
        value = getattr(value, name, None)
    while isinstance(value, FunctionType):
        if value.__globals__["__name__"] == make.__module__:
            return True
        value = getattr(value, "__wrapped__", None)
    kind = value if isinstance(value, type) else type(value)
    return any(base.__module__ == make.__module__ for base in kind.__mro__)
