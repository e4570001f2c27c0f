"""``--model-overrides`` of the commands that read checkpoints: other values of options that a training had."""

from __future__ import annotations

import ast
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fairseq import checkpoint_utils
from fairseq.models import ARCH_MODEL_REGISTRY

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel
from mtdeep.fairseq_plugin.generation.loading import recorded_name

FLAG = "--model-overrides"


def model_overrides(cfg: Any, paths: Sequence[str]) -> dict[str, Any]:
    """Return what the option says, which holds for the checkpoints at *paths*.

    Raises UserError when it is no dictionary, and for names that do nothing.
    """
    text = cfg.common_eval.model_overrides
    try:
        overrides = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        overrides = None
    if not isinstance(overrides, dict):
        raise UserError(f"{FLAG} {text!r} is no dictionary; write it like \"{{'dropout': 0.3}}\".")
    suffix, parts = cfg.checkpoint.checkpoint_suffix, cfg.checkpoint.checkpoint_shard_count
    for path in paths:
        check_overrides(checkpoint_utils.get_maybe_sharded_checkpoint_filename(path, suffix, 0, parts), overrides)
    return overrides


def check_overrides(path: str, overrides: Mapping[str, Any]) -> None:
    """Raise UserError for names to which nothing answers in the record of a checkpoint's training.

    fairseq would pass them over. The tensors are only mapped, so that a look at the record costs little.
    """
    if overrides and (problems := [*_problems(load_plain(Path(path)), overrides)]):
        raise UserError(f"{FLAG}: the training of {path} {'; it '.join(problems)}.")


def _problems(state: Mapping[str, Any], overrides: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is to be said of a training for each name that does nothing.

    fairseq gives groups that are recorded as a Namespace, as those of flags are, every name that stands by itself;
    groups that are recorded as a mapping only names that they have, unless the name stands in their dictionary.
    """
    groups = state.get("cfg") or {"args": state.get("args")}
    options = _options_of_model(state)
    recorded = {*groups}.union(*map(_fields, groups.values()))
    for name, value in overrides.items():
        group = groups.get(name)
        if isinstance(value, Mapping) and isinstance(group, Namespace):
            yield f"has no group {name!r}; name its options by themselves"
        elif isinstance(value, Mapping) and isinstance(group, Mapping):
            known = {*group, *(options if name == "model" else ())}
            yield from (_unknown(inner) for inner in value if inner not in known)
        elif name in options - recorded and isinstance(groups.get("model"), Mapping):
            yield f"says nothing of {name!r}; write {{'model': {{{name!r}: {value!r}}}}}"
        elif name not in recorded | options:
            yield _unknown(name)


def _unknown(name: object) -> str:
    return f"has no option {name!r}; correct the name, or leave it out"


def _options_of_model(state: Mapping[str, Any]) -> frozenset[str]:
    model = ARCH_MODEL_REGISTRY.get(recorded_name(state, "model"), object)
    return model.options() if issubclass(model, FairseqDeepModel) else frozenset()


def _fields(group: object) -> set[str]:
    fields = vars(group) if isinstance(group, Namespace) else group
    return {str(name) for name in fields} if isinstance(fields, Mapping) else set()
