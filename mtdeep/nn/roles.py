"""What a parameter is for. Modules declare it; initialisation reads it and never looks at a parameter's name."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Role(StrEnum):
    """The part that one sub-module (a matrix, a table, a normalisation) plays in the Transformer."""

    QUERY = "query"
    KEY = "key"
    VALUE = "value"
    OUTPUT = "output"
    CROSS_QUERY = "cross query"
    CROSS_KEY = "cross key"
    CROSS_VALUE = "cross value"
    CROSS_OUTPUT = "cross output"
    FIRST = "first"
    SECOND = "second"
    EMBEDDING = "embedding"
    POSITION = "position"
    VOCABULARY = "vocabulary"
    NORM = "norm"
    GATE = "gate"
    SKIP = "skip"


BRANCH_MATRICES = frozenset(
    {
        Role.QUERY,
        Role.KEY,
        Role.VALUE,
        Role.OUTPUT,
        Role.CROSS_QUERY,
        Role.CROSS_KEY,
        Role.CROSS_VALUE,
        Role.CROSS_OUTPUT,
        Role.FIRST,
        Role.SECOND,
    }
)
"""The matrices inside a branch: those which a scheme may give a gain of its own."""


@runtime_checkable
class DeclaresRoles(Protocol):
    """A module that says which role each of the sub-modules has that it can have; "" is the module itself."""

    roles: Mapping[str, Role]
