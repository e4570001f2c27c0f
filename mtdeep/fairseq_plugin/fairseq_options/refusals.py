"""Which options of a configuration are refused, or have no effect in any command, and in which words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from fairseq.dataclass.configs import FairseqConfig

from mtdeep.fairseq_plugin.fairseq_options.option import Option, Use, leaf
from mtdeep.fairseq_plugin.fairseq_options.table import OPTIONS
from mtdeep.fairseq_plugin.options import flag

# The commands' defaults that are not the configuration's: there the first is the number of GPUs, and the second None.
_DEFAULTS = {"distributed_training.distributed_world_size": 1, "scoring": "bleu"}
# What fairseq leaves unset, and then takes from another option.
_FOLLOWS = {
    "dataset.max_tokens_valid": "dataset.max_tokens",
    "dataset.batch_size_valid": "dataset.batch_size",
    "distributed_training.distributed_num_procs": "distributed_training.distributed_world_size",
}


def refusals(cfg: Any, use: Use, options: Iterable[Option] = OPTIONS) -> list[str]:
    """Return one phrase for each of *options* that is refused in a use and that *cfg* sets to what fairseq does not."""
    refused = ((option.place, option.refusal(use)) for option in options)
    return [phrase for place, phrase in refused if phrase is not None and is_set(cfg, place)]


def without_effect(cfg: Any) -> list[str]:
    """Return one phrase for each option that *cfg* sets to what fairseq does not, and that fairseq never reads."""
    return [
        f"{flag(leaf(option.place))} has no effect in fairseq: {option.unread}"
        for option in OPTIONS
        if option.unread and is_set(cfg, option.place)
    ]


def is_set(cfg: Any, place: str) -> bool:
    """Whether *cfg* holds another value than fairseq's commands do, or than the option that this one follows."""
    given = value(cfg, place)
    default = _DEFAULTS[place] if place in _DEFAULTS else value(FairseqConfig(), place)
    followed = value(cfg, _FOLLOWS[place]) if place in _FOLLOWS else None
    return given not in (None, False, default, followed)


def value(cfg: Any, place: str) -> Any:
    """Return the value at a place such as `dataset.curriculum`; of a part such as `scoring` its name."""
    node = reduce(getattr, place.split("."), cfg)
    return getattr(node, "_name", node)
