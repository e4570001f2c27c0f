"""A module as one other module sees it."""

from __future__ import annotations

from typing import Any


class Overlay:
    """A module in which some names mean something else; the module itself is left alone."""

    def __init__(self, module: Any, **names: Any) -> None:
        self.__dict__.update(names)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
