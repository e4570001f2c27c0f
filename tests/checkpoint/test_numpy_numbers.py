"""Numbers and arrays of numpy in a checkpoint are read; what else may stand under numpy's names is refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError

CODES = "?" + np.typecodes["AllInteger"] + np.typecodes["AllFloat"]


def read_back(tmp_path: Path, value: object) -> Any:
    torch.save({"value": value}, tmp_path / "checkpoint.pt")
    return load_plain(tmp_path / "checkpoint.pt")["value"]


@pytest.mark.parametrize("code", sorted({np.dtype(code).str for code in CODES} | {">f8", ">i2"}))
def test_every_type_of_numbers(tmp_path: Path, code: str) -> None:
    values = np.array([[0, 1, 1], [1, 0, 1]]).astype(code)
    for order in "CF":
        array = read_back(tmp_path, np.asarray(values, order=order))
        assert array.dtype == values.dtype.newbyteorder("=") and np.array_equal(array, values)
    assert read_back(tmp_path, values[0, 1]) == 1


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 1, 3)])
def test_every_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    assert np.array_equal(read_back(tmp_path, values), values)
    assert read_back(tmp_path, values).shape == shape


def test_what_was_read_is_written_as_any_array(tmp_path: Path) -> None:
    values = np.arange(4.0)
    torch.save(values, tmp_path / "plain.pt")
    torch.save(read_back(tmp_path, values), tmp_path / "again.pt")
    asked = torch.serialization.get_unsafe_globals_in_checkpoint
    assert asked(tmp_path / "again.pt") == asked(tmp_path / "plain.pt")
    assert type(torch.load(tmp_path / "again.pt", weights_only=False)) is np.ndarray


class Call:
    """What a pickle asks to be called, and the state that is given to the result."""

    def __init__(self, function: object, *arguments: object, state: object = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


SCALAR = np.float64(0).__reduce__()[0]
RECONSTRUCT = np.zeros(1).__reduce__()[0]


@pytest.mark.parametrize(
    "value",
    [
        np.array([{}, None], dtype=object),
        np.array(["text"]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.str_("text"),
        np.dtype("O"),
        np.dtype([("a", "O")]),
        Call(SCALAR, np.dtype("O"), b"x"),
        Call(np.dtype, Call(np.dtype, "f8")),
        Call(RECONSTRUCT, np.ndarray, (1,), "O", state=(1, (1,), np.dtype("O"), False, [datetime.UTC])),
        Call(RECONSTRUCT, np.ndarray, (1,), "O", state=(1, (1,), np.dtype("f8"), False, [1.0])),
        Call(np.ndarray, (1,), state=(1, (1,), "O", False, b"\0" * 8)),
    ],
    ids=lambda value: str(getattr(value, "reduced", value)),
)
def test_what_is_no_number_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(UserError, match="checkpoint"):
        read_back(tmp_path, value)


def test_bytes_are_never_taken_for_an_address(tmp_path: Path) -> None:
    """numpy itself does that: here the address 0, which it takes for None; another one would be followed."""
    assert np.ndarray((1,), "O", buffer=bytes(8))[0] is None
    array = read_back(tmp_path, Call(np.ndarray, (1,), "O", bytes(8)))
    assert array.dtype == np.int8 and array.size == 0


def test_more_values_than_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        read_back(tmp_path, Call(np.ndarray, (0,), state=(1, (1000,), np.dtype("f8"), False, bytes(8))))


def test_a_type_in_a_file_changes_none_of_ours(tmp_path: Path) -> None:
    """`numpy.dtype(name, False, False)` is the type that all arrays share; giving it a state would swap their bytes."""
    read_back(tmp_path, Call(np.dtype, "f8", False, False, state=(3, ">", None, None, None, -1, -1, 0)))
    assert np.dtype("f8").isnative
