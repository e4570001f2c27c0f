"""A file that is no checkpoint, is cut short or carries code ends a fairseq command with one sentence.

torch's own message advises `weights_only=False`, which would run that code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.checkpoint_utils"


def needed() -> bool:
    """Whether the function that reads checkpoints is where it was."""
    return hasattr(sys.modules[MODULE], "load_checkpoint_to_cpu")


def naming_bad_files(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what reads checkpoints, and turns what a bad file raises into a `UserError` that names it."""

    @wraps(original)
    def load_checkpoint_to_cpu(path: str, arg_overrides: Any = None, load_on_all_ranks: bool = False) -> Any:
        try:
            return original(path, arg_overrides, load_on_all_ranks)
        except OSError as problem:
            reason = problem.strerror or problem
            raise UserError(f"{path}: cannot be read ({reason}); give a checkpoint*.pt file.") from problem
        except Exception as problem:
            complaint = complaint_about(path)
            if complaint is None:  # the file is well: the problem lies elsewhere and keeps its traceback
                raise
            raise UserError(complaint) from problem

    return load_checkpoint_to_cpu


def complaint_about(path: str) -> str | None:
    """What is wrong with the file as a checkpoint, in one sentence; None if nothing is."""
    from mtdeep.checkpoint.read import load_plain

    try:
        state = load_plain(path)
    except UserError as problem:
        return str(problem)
    if "model" not in state:
        return f"{path}: no fairseq checkpoint, it holds no model; give a checkpoint*.pt file."
    return None


PATCH = replacement(
    name="checkpoint_errors",
    mends="a bad checkpoint gives a traceback that advises weights_only=False",
    ticket="facebookresearch/fairseq#5603",
    module=MODULE,
    needed=needed,
    places={"load_checkpoint_to_cpu": naming_bad_files},
)
