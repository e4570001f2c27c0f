"""What a patch is: one thing of fairseq 0.12.2 that newer Python, torch or numpy broke, and how it is mended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Patch:
    """One mend, applied around the execution of one module of fairseq.

    `name` is the file's name, `mends` one sentence for the reader of `mtdeep doctor`, `ticket` the upstream thread (or
    where the fault is described). `module` and `moment` say when `apply` runs: before or after that module of fairseq
    is executed. `needed` checks that the thing it mends is still there; `active` whether the mend stands now.
    """

    name: str
    mends: str
    ticket: str
    moment: Literal["before", "after"]
    module: str
    needed: Callable[[], bool]
    apply: Callable[[], None]
    active: Callable[[], bool]


def is_ours(module: str, *path: str) -> bool:
    """Whether the function at `path` in an imported module, or one that it wraps, was written in mtdeep."""
    found: Any = sys.modules.get(module)
    for name in path:
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    while not found.__globals__["__name__"].startswith("mtdeep."):
        if not hasattr(found, "__wrapped__"):
            return False
        found = found.__wrapped__
    return True


def has_base_of(file: str, module: str, name: str) -> bool:
    """Return whether the class `name` of an imported module is, or derives from, a class of the module `file`."""
    found: Any = getattr(sys.modules.get(module), name, object)
    return any(base.__module__ == file for base in found.__mro__)
