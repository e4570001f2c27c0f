"""What a patch is: one thing of fairseq 0.12.2 that newer Python, torch or numpy broke, and how it is mended."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal


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


def uses(module: str, path: str, name: str) -> bool:
    """Return whether fairseq's function, at a dotted *path* in an imported module, has a name or string in its code.

    Other patches may have wrapped the function.
    """
    code = inspect.unwrap(attrgetter(path)(sys.modules[module])).__code__
    return name in (*code.co_names, *code.co_consts)
