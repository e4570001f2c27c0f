"""The one function that fairseq's loop asks, after each validation, whether to stop: for `--patience`, and for us.

It is looked up at every call, in the module of the command or, under `python -m fairseq_cli.train`, in the program.
A training that it stops is saved.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

NAME = "should_stop_early"
EarlyStopping = Callable[..., bool]


def early_stopping() -> list[EarlyStopping]:
    """Return the function of each of fairseq's loops, which counts in attributes of its own."""
    return [names[NAME] for names in _loops()]


def stop_also(ends: Callable[[], bool]) -> None:
    """Let the loops stop where *ends* says so, too, and no more where an earlier training has said so."""
    for names in _loops():
        names[NAME] = _either(inspect.unwrap(names[NAME]), ends)


def _either(early: EarlyStopping, ends: Callable[[], bool]) -> EarlyStopping:
    @wraps(early)
    def should_stop_early(cfg: Any, valid_loss: float | None) -> bool:
        return early(cfg, valid_loss) or ends()

    return should_stop_early


def _loops() -> list[dict[str, Any]]:
    modules = [vars(sys.modules[name]) for name in ("__main__", "fairseq_cli.train") if name in sys.modules]
    return [names for names in modules if NAME in names]
