"""``--model-overrides`` of the commands that read checkpoints: other values of options that a training had."""

from __future__ import annotations

import ast
import logging
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairseq import checkpoint_utils

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.training_record import PARTS, Place, TrainingRecord

logger = logging.getLogger(__name__)
FLAG = "--model-overrides"


def model_overrides(cfg: Any, paths: Sequence[str]) -> dict[str, Any]:
    """Return what the option says, which holds for the checkpoints at *paths*.

    Raises UserError when it is no dictionary of names, and for what has no effect.
    """
    text = cfg.common_eval.model_overrides
    try:
        overrides = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        overrides = None
    if not isinstance(overrides, dict) or not all(isinstance(name, str) for name in overrides):
        raise UserError(f"{FLAG} {text!r} is no dictionary of names; write it like \"{{'dropout': 0.3}}\".")
    suffix, parts = cfg.checkpoint.checkpoint_suffix, cfg.checkpoint.checkpoint_shard_count
    for path in paths:
        check_overrides(checkpoint_utils.get_maybe_sharded_checkpoint_filename(path, suffix, 0, parts), overrides)
    return overrides


def check_overrides(path: str, overrides: Mapping[str, Any]) -> None:
    """Raise UserError for overrides that change nothing of what is built of a checkpoint's record.

    fairseq would pass them over. Where nobody can tell, as a model may look for any flag, one line of the log says so.
    The tensors are only mapped, so that a look at the record costs little.
    """
    if not overrides:
        return
    record = TrainingRecord(load_plain(path))
    problems, doubts = [], []
    for names, value in _each(overrides):
        places = record.changed(names)
        if any(map(record.is_read, places)):
            continue
        if any(map(record.may_be_read, places)):
            doubts.append(repr(names[-1]))
        else:
            problems.append(_problem(record, names, value, places))
    if problems:
        raise UserError(f"{FLAG}: the training of {path} {'; it '.join(problems)}.")
    if doubts:
        logger.warning(
            f"{FLAG}: the training of {path} did not record {', '.join(doubts)}; if its model {record.model} does not "
            "look for that either, it has no effect: check the name."
        )


def _each(overrides: Mapping[str, Any], outer: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield each value with the names that lead to it."""
    for name, value in overrides.items():
        names = (*outer, name)
        if isinstance(value, Mapping) and value:
            yield from _each(value, names)
        else:
            yield names, value


def _problem(record: TrainingRecord, names: Place, value: object, places: Sequence[Place]) -> str:
    """Return what is to be said of a training for an override without effect, and what to write instead."""
    first, option = names[0], ".".join(map(str, names))
    group = record.group(first)
    if len(names) > 1 and isinstance(group, Namespace):
        return f"has no group {first!r}; name its options by themselves"
    if len(names) == 1 and first in PARTS and isinstance(group, Mapping):
        return f"has {first!r} as a group of options; write {{{first!r}: {{'NAME': {value!r}}}}}"
    # In a group that is a mapping, fairseq sets a new name only when the group is named.
    inside = [(part, first) for part in PARTS if len(names) == 1 and isinstance(record.group(part), Mapping)]
    for part, name in filter(record.is_read, inside):
        return f"says nothing of {name!r}; write {{{part!r}: {{{name!r}: {value!r}}}}}"
    if any(len(place) > 1 and record.records(place) for place in places):
        return (
            f"has an option {option!r}, which neither its model nor its task reads; leave it out, or give the command "
            "its own"
        )
    for part, name in filter(record.may_be_read, inside):
        return (
            f"says nothing of {name!r}; correct the name, or write {{{part!r}: {{{name!r}: {value!r}}}}} if its {part} "
            "looks for it"
        )
    return f"has no option {option!r}; correct the name, or leave it out"
