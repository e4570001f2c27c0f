"""What a patch puts in its place, and who sees it there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

import pytest

from mtdeep.fairseq_plugin.compat.replacement import is_replaced, replacement

SOURCE = """
def size():
    return 5

class Reader:
    def read(self):
        return 1
"""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module with a function, a class, and a library that others use too."""
    module: Any = ModuleType("module_to_patch")
    exec(SOURCE, vars(module))
    module.library = ModuleType("library")
    module.library.parts = ModuleType("parts")
    module.library.parts.size = module.size
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def doubled(original: Callable[..., int]) -> Callable[..., int]:
    @wraps(original)
    def function(*arguments: Any) -> int:
        return 2 * original(*arguments)

    return function


def patch_of(*paths: str) -> Any:
    places = dict.fromkeys(paths, doubled)
    return replacement(
        name="name", mends="it", ticket="#1", module="module_to_patch", needed=lambda: True, places=places
    )


def test_a_function_and_a_method_are_replaced(module: Any) -> None:
    patch = patch_of("size", "Reader.read")
    assert not patch.active()
    patch.apply()
    assert patch.active()
    assert (module.size(), module.Reader().read()) == (10, 2)


def test_what_the_module_uses_is_replaced_for_the_module_alone(module: Any) -> None:
    library = module.library
    patch = patch_of("library.parts.size")
    patch.apply()
    assert patch.active()
    assert (module.library.parts.size(), library.parts.size()) == (10, 5)


def test_one_place_of_several_is_not_enough(module: Any) -> None:
    patch_of("size").apply()
    assert not patch_of("size", "Reader.read").active()


def test_a_patch_stands_when_it_is_wrapped_and_not_when_another_is_there(module: Any) -> None:
    def somebodys(original: Callable[..., int]) -> Callable[..., int]:
        return original

    somebodys.__module__ = "somebody"
    patch_of("library.parts.size").apply()
    assert not is_replaced("module_to_patch", "library.parts.size", somebodys)
    # What wraps the replacement leaves it in its place; what does not takes it.
    patch_of("size").apply()
    wrapping: dict[str, Any] = {"patched": module.size, "__name__": "somebody"}
    exec("def size():\n    return 1 + patched()", wrapping)
    module.size = wraps(module.size)(wrapping["size"])
    assert module.size() == 11
    assert is_replaced("module_to_patch", "size", doubled)
    module.size = len
    assert not is_replaced("module_to_patch", "size", doubled)


def test_a_module_that_is_not_imported_is_not_patched() -> None:
    assert not is_replaced("module_that_nobody_has", "size", doubled)
