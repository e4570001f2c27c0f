"""A module or an object as one other module sees it."""

from __future__ import annotations

from typing import Any


class Overlay:
    """A module or an object in which some names mean something else; the original itself is left alone."""

    def __init__(self, original: Any, **names: Any) -> None:
        self.__dict__.update(names)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
