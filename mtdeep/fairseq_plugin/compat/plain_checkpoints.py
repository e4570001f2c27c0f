"""fairseq writes into a checkpoint what it has: with `--eval-bleu` numpy arrays, which torch >= 2.6 refuses to read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.checkpoint_utils"


def needed() -> bool:
    """Whether all checkpoints still go through one function."""
    return hasattr(sys.modules[MODULE], "torch_persistent_save")


def writing_plain_data(original: Callable[..., None]) -> Callable[..., None]:
    """Return that function, which writes plain data."""
    from mtdeep.checkpoint.plain import plain

    @wraps(original)
    def torch_persistent_save(obj: Any, filename: str, async_write: bool = False) -> None:
        original(plain(obj), filename, async_write)

    return torch_persistent_save


PATCH = replacement(
    name="plain_checkpoints",
    mends="checkpoints hold numpy arrays, which torch >= 2.6 takes for code",
    ticket="facebookresearch/fairseq#5603",
    module=MODULE,
    needed=needed,
    places={"torch_persistent_save": writing_plain_data},
)
