"""Replacing goes through whatever a checkpoint is made of."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest

from mtdeep.checkpoint.replace import replace


def test_an_object_is_replaced_once_however_often_it_is_there() -> None:
    """A small file can refer twice to a list that refers twice to a list ... 60 deep."""
    value: Any = [1]
    for _ in range(60):
        value = [value, value]
    calls: list[object] = []

    def count(entry: Any) -> Any:
        calls.append(entry)
        return 2 if entry == 1 and type(entry) is int else entry

    replaced = replace({"a": value, "b": Namespace(c=(value,))}, count)
    assert len(calls) < 80
    assert replaced["a"] is replaced["b"].c[0]
    while isinstance(replaced, (dict, list)):
        replaced = replaced["a"] if isinstance(replaced, dict) else replaced[0]
    assert replaced == 2


def test_a_value_that_holds_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RecursionError):
        replace(value, lambda entry: entry)
