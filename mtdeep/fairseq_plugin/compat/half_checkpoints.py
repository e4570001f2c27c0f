"""A checkpoint that the disk does not take is written three times over into one file, and its half stays.

fairseq does not go back to the file's beginning before it tries again, so a later attempt gives no checkpoint either.
What it raises in the end is of torch's closing the file; the system's own error, which is the reason, lies below it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

from mtdeep.durable import os_error
from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.checkpoint_utils"


def writing_once(original: Callable[..., None]) -> Callable[..., None]:
    """Return what writes a checkpoint into an open file."""
    import torch

    @wraps(original)
    def _torch_persistent_save(obj: Any, file: Any) -> None:
        torch.save(obj, file)

    return _torch_persistent_save


def leaving_no_half(original: Callable[..., None]) -> Callable[..., None]:
    """Return what writes a checkpoint, or nothing and raises the system's error with the name of the file."""

    @wraps(original)
    def torch_persistent_save(obj: Any, filename: str, async_write: bool = False) -> None:
        try:
            original(obj, filename, async_write)
        except Exception as problem:
            if (error := os_error(problem)) is None:
                raise
            error.filename = filename
            raise error from None
        finally:
            Path(f"{filename}.tmp").unlink(missing_ok=True)

    return torch_persistent_save


PATCH = replacement(
    name="half_checkpoints",
    mends="a full disk gives five tracebacks and leaves half a checkpoint",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/checkpoint_utils.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "_torch_persistent_save", "range"),
    places={"_torch_persistent_save": writing_once, "torch_persistent_save": leaving_no_half},
)
