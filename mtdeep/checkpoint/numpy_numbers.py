"""Rebuild numpy's numbers and arrays of numbers from a pickle, by code of our own and without numpy's.

numpy's own functions must not be allowed for that: a pickle may call them with any arguments, and
`ndarray((1,), "O", buffer=...)` takes the bytes of the file for the address of an object. What stands here under
numpy's names takes numbers alone: types of the kinds in `NUMBER`, and as many bytes as they need.
"""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np

# Booleans, integers, floating-point and complex numbers, as numpy writes their types into a pickle.
NUMBER = re.compile(r"[biufc]\d{1,2}")
# What else numpy's arrays hold, by the first letter of the type.
OTHERS = {"U": "text", "S": "text", "O": "objects", "M": "dates", "m": "durations", "V": "records"}


class NumberType:
    """What stands in a pickle for a `numpy.dtype`; raises UnpicklingError for a type that is not of numbers."""

    def __init__(self, name: object, align: object = False, copy: object = True) -> None:
        if not (isinstance(name, str) and NUMBER.fullmatch(name)):
            kind = OTHERS.get(name[:1], "values") if isinstance(name, str) else "values"
            raise pickle.UnpicklingError(f"numpy {kind} instead of numbers")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Take the order of bytes; the rest concerns types that hold others."""
        self.dtype = self.dtype.newbyteorder(state[1])

    def __reduce__(self) -> Any:
        """Be written again as any type is."""
        return self.dtype.__reduce__()


class NumberArray(np.ndarray):
    """An array of numbers out of a pickle.

    A state replaces the memory of an array, while tensors that torch made of it go on reading the old one. So an array
    takes one state only, and until then its type is one of which torch makes no tensor.
    """

    def __new__(cls, *_: object) -> NumberArray:
        """Return an empty array, whatever the pickle asks for: the state comes later."""
        return super().__new__(cls, (0,), np.void)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Take shape and values: (version, shape, type, whether in Fortran's order, bytes)."""
        version, shape, kind, fortran, raw = state
        if not isinstance(kind, NumberType) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("numpy.ndarray of what is no number")
        if self.dtype.kind != "V":
            raise pickle.UnpicklingError("numpy.ndarray with a second state")
        super().__setstate__((version, shape, kind.dtype, fortran, raw))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Be written again as any array is."""
        return self.view(np.ndarray).__reduce_ex__(protocol)


def new_array(*arguments: object) -> NumberArray:
    """Stand for numpy's `_reconstruct`."""
    return NumberArray()


def number(kind: object, raw: bytes) -> Any:
    """Stand for numpy's `scalar`: return a number of Python's."""
    if not isinstance(kind, NumberType):
        raise pickle.UnpicklingError("numpy's scalar of what is no number")
    return np.frombuffer(raw, kind.dtype, count=1)[0].item()


#: (what rebuilds it, numpy's name for it), before and after numpy 2.
REBUILDING = (
    (NumberType, "numpy.dtype"),
    (NumberArray, "numpy.ndarray"),
    *((new_array, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
    *((number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
)
