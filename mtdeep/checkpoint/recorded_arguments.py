"""The arguments of a training, wherever a version of fairseq keeps them in the dictionary of a checkpoint."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping


def model_arguments(state: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments of the model; a command line's are flat, with those of the task and all else beside them."""
    cfg = state.get("cfg")
    if isinstance(cfg, Mapping) and cfg.get("model") is not None:
        return entries(cfg["model"])
    return entries(state.get("args"))


def task_arguments(state: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments of the task; before fairseq 0.10 none, as they stand beside the model's."""
    cfg = state.get("cfg")
    return entries(cfg.get("task")) if isinstance(cfg, Mapping) else {}


def entries(value: object) -> dict[str, object]:
    """Return the entries of a Namespace or a mapping; of anything else none."""
    if isinstance(value, Namespace):
        value = vars(value)
    return {str(name): entry for name, entry in value.items()} if isinstance(value, Mapping) else {}
