"""fairseq writes into a checkpoint what it has: with `--eval-bleu` numpy arrays, which torch >= 2.6 refuses to read."""

from __future__ import annotations

import sys
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.checkpoint_utils"


def needed() -> bool:
    """Whether all checkpoints still go through one function."""
    return hasattr(sys.modules[MODULE], "torch_persistent_save")


def apply() -> None:
    """Let that function write plain data."""
    from mtdeep.checkpoint.plain import plain

    module: Any = sys.modules[MODULE]
    original = module.torch_persistent_save

    @wraps(original)
    def torch_persistent_save(obj: Any, filename: str, async_write: bool = False) -> None:
        original(plain(obj), filename, async_write)

    module.torch_persistent_save = torch_persistent_save


PATCH = Patch(
    name="plain_checkpoints",
    mends="checkpoints hold numpy arrays, which torch >= 2.6 takes for code",
    ticket="facebookresearch/fairseq#5603",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "torch_persistent_save"),
)
