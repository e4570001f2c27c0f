"""Numbers and arrays of numpy in a checkpoint are read; what else may stand under numpy's names is refused."""

from __future__ import annotations

import datetime
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError

Load = Callable[[Path], Any]
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

    def __repr__(self) -> str:
        return f"Call{self.reduced}"


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
    ids=str,
)
def test_what_is_no_number_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(UserError, match="checkpoint"):
        read_back(tmp_path, value)


def test_bytes_are_never_taken_for_an_address(tmp_path: Path) -> None:
    """numpy itself does that: here the address 0, which it takes for None; another one would be followed."""
    assert np.ndarray((1,), "O", buffer=bytes(8))[0] is None
    array = read_back(tmp_path, Call(np.ndarray, (1,), "O", bytes(8)))
    assert array.dtype.kind == "V" and array.size == 0


@pytest.mark.parametrize("shape", [(1000,), (1,), (-1,), (-2, -3), (2**62, 4)])
def test_a_shape_that_does_not_fit_its_bytes_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError):
        read_back(tmp_path, Call(np.ndarray, (0,), state=(1, shape, np.dtype("f8"), False, bytes(48))))


def plain_load(path: Path) -> Any:
    """Read as fairseq's commands do; the import puts the classes on torch's list."""
    import fairseq  # noqa: F401

    return torch.load(path)


def opcodes(value: object) -> bytes:
    """What a pickle does to make a value, without its header and its end."""
    return pickletools.optimize(pickle.dumps(value, 2))[2:-1]


def built(count: int) -> bytes:
    """Give the object on top a state of so many bytes."""
    return opcodes((1, (count,), np.dtype("u1"), False, b"A" * count)) + pickle.BUILD


def called(function: str, *arguments: bytes) -> bytes:
    module, _, name = function.rpartition(".")
    function_name = f"{module}\n{name}\n".encode()
    return b"".join((pickle.GLOBAL, function_name, pickle.MARK, *arguments, pickle.TUPLE, pickle.REDUCE))


def written(path: Path, made: bytes) -> Path:
    """A file of torch's with a dictionary that a pickle makes by these steps."""
    torch.save({}, path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            dictionary = b"\x80\x02" + pickle.EMPTY_DICT + opcodes("value") + made + pickle.SETITEM + pickle.STOP
            archive.writestr(name, dictionary if name.endswith("/data.pkl") else content)
    return path


ARRAY = opcodes(Call(RECONSTRUCT, np.ndarray, (0,), b"b")) + pickle.BINPUT + b"\xc8"
SAME_ARRAY = pickle.BINGET + b"\xc8"
TENSORS = {
    "by torch's function": called(
        "torch._utils._rebuild_device_tensor_from_numpy",
        SAME_ARRAY,
        opcodes(torch.uint8),
        opcodes("cpu"),
        pickle.NEWFALSE,
    ),
    "as a tensor's argument": called("torch.ByteTensor", SAME_ARRAY),
}


@pytest.mark.parametrize("load", [load_plain, plain_load])
@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
class TestMemoryThatATensorShares:
    """A state of an array frees the memory that it had; a tensor made of the array would go on reading that."""

    def test_one_state_is_read(self, tmp_path: Path, load: Load, tensor: bytes) -> None:
        path = written(tmp_path / "good.pt", pickle.MARK + ARRAY + built(1000) + tensor + pickle.TUPLE)
        assert torch.equal(load(path)["value"][1], torch.full((1000,), ord("A"), dtype=torch.uint8))

    def test_a_second_state_is_refused(self, tmp_path: Path, load: Load, tensor: bytes) -> None:
        made = pickle.MARK + ARRAY + built(1_000_000) + tensor + SAME_ARRAY + built(1) + pickle.TUPLE
        with pytest.raises((UserError, pickle.UnpicklingError)):
            load(written(tmp_path / "hostile.pt", made))

    def test_no_tensor_is_made_before_the_state(self, tmp_path: Path, load: Load, tensor: bytes) -> None:
        made = pickle.MARK + ARRAY + tensor + SAME_ARRAY + built(1) + pickle.TUPLE
        with pytest.raises((UserError, TypeError)):
            load(written(tmp_path / "hostile.pt", made))


def test_a_type_in_a_file_changes_none_of_ours(tmp_path: Path) -> None:
    """`numpy.dtype(name, False, False)` is the type that all arrays share; giving it a state would swap their bytes."""
    read_back(tmp_path, Call(np.dtype, "f8", False, False, state=(3, ">", None, None, None, -1, -1, 0)))
    assert np.dtype("f8").isnative


def test_a_type_of_numbers_is_read_and_written_again(tmp_path: Path) -> None:
    assert read_back(tmp_path, [np.dtype(">i2")]) == [np.dtype(">i2")]
    torch.save(plain_load(tmp_path / "checkpoint.pt"), tmp_path / "again.pt")
    assert load_plain(tmp_path / "again.pt")["value"] == [np.dtype(">i2")]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.array(["text"]), "text"),
        (np.str_("text"), "text"),
        (np.array([None]), "objects"),
        (np.datetime64("2026-01-01"), "dates"),
        (np.timedelta64(1, "D"), "durations"),
        (np.zeros(1, dtype=[("a", "i4")]), "records"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, value: object, kind: str) -> None:
    with pytest.raises(UserError, match=f"holds numpy {kind}, and of numpy only numbers are read"):
        read_back(tmp_path, value)
