"""What is written is Python's own data, and what was so already is left as it is."""

from __future__ import annotations

from argparse import Namespace
from collections import OrderedDict
from enum import Enum

import numpy as np
import torch

from mtdeep.checkpoint.plain import plain


class Colour(Enum):
    RED = "red"


def test_numbers_and_arrays_of_numpy_become_pythons() -> None:
    state = {
        "counts": np.array([[1, 2], [3, 4]]),
        "loss": np.float64(1.5),
        "flag": np.bool_(True),
        "meters": [(10, "bleu", {"sum": np.array([1.5, 2])})],
        "args": Namespace(seed=np.int32(3), nested=Namespace(colour=Colour.RED)),
        np.int64(7): np.array(["text", None], dtype=object),
    }
    expected = {
        "counts": [[1, 2], [3, 4]],
        "loss": 1.5,
        "flag": True,
        "meters": [(10, "bleu", {"sum": [1.5, 2.0]})],
        "args": Namespace(seed=3, nested=Namespace(colour="red")),
        7: ["text", None],
    }
    changed = plain(state)
    assert changed == expected
    assert repr(changed) == repr(expected)  # numpy's numbers equal Python's, but do not look like them
    assert isinstance(state["counts"], np.ndarray), "what the training goes on with stays as it is"


def test_what_is_plain_is_the_same_object() -> None:
    tensors = torch.nn.Linear(2, 2).state_dict()
    state = {"model": tensors, "sizes": torch.Size([2]), "history": [{"betas": (0.9, 0.98)}], "args": Namespace(a=1)}
    assert plain(state) is state
    assert plain({**state, "loss": np.float32(1)})["model"] is tensors
    assert vars(tensors)["_metadata"], "which a copy would lack"


def test_the_kind_of_a_dictionary_is_kept() -> None:
    changed = plain(OrderedDict(b=np.int8(1), a=2))
    assert type(changed) is OrderedDict and list(changed.items()) == [("b", 1), ("a", 2)]
