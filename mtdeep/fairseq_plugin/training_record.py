"""What a checkpoint records of its training, and what an override of fairseq's changes in it.

fairseq records groups of options. A group is a mapping where its class declares the options, or a configuration file
gave them; else it is a Namespace of every flag of the training. Before 0.10 there was one such Namespace, ``args``.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import fields
from typing import Any

from fairseq.dataclass.configs import FairseqConfig
from fairseq.dataclass.utils import overwrite_args_by_name
from fairseq.models import ARCH_MODEL_REGISTRY, MODEL_DATACLASS_REGISTRY
from fairseq.registry import REGISTRIES
from fairseq.tasks import TASK_DATACLASS_REGISTRY
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel

# What is built of a record when its checkpoint is loaded; the other groups are options of the training alone.
PARTS = ("model", "task", "criterion")
GROUPS = frozenset(field.name for field in fields(FairseqConfig))
_PROBE = "the value of an override, which no record has"

Place = tuple[str, ...]


class TrainingRecord:
    """The options in a checkpoint's *state*, as it lies in the file."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._args: Namespace | None = state.get("args")  # from which fairseq makes the configuration anew
        self._cfg: Mapping[str, Any] = state.get("cfg") or {}
        self.model = recorded_name(state, "model")
        model = ARCH_MODEL_REGISTRY.get(self.model, object)
        self.has_our_model = issubclass(model, FairseqDeepModel)
        self._declared = {
            "model": frozenset((*model.options(), *model.from_task))
            if self.has_our_model
            else _fields(MODEL_DATACLASS_REGISTRY.get(self.model)),
            "task": _fields(TASK_DATACLASS_REGISTRY.get(recorded_name(state, "task"))),
            "criterion": _fields(REGISTRIES["criterion"]["dataclass_registry"].get(recorded_name(state, "criterion"))),
        }

    def group(self, name: str) -> Namespace | Mapping[str, Any] | None:
        """Return a group's options; None where there is no such group."""
        group = self._cfg.get(name) if self._args is None else self._args if name in PARTS else None
        return group if isinstance(group, Namespace | Mapping) else None

    def records(self, place: Place) -> bool:
        """Whether the group of a place has an option of the name there."""
        group, name = self.group(place[0]), place[1]
        return name in (vars(group) if isinstance(group, Namespace) else group or ())

    def changed(self, names: Sequence[str]) -> list[Place]:
        """Return the places that fairseq sets for the override ``{first name: {second name: ... value}}``.

        A place is the name of a group and the names that lead from it to the value.
        """
        if self._args is not None:  # `checkpoint_utils.load_checkpoint_to_cpu` sets any name
            return [(part, *names) for part in PARTS]
        override: Any = _PROBE
        for name in reversed(names):
            override = {name: override}
        cfg = OmegaConf.create(deepcopy(dict(self._cfg)), flags={"allow_objects": True})
        try:
            overwrite_args_by_name(cfg, override)
        except (OmegaConfBaseException, AttributeError, TypeError):  # for names under what is no group of options
            return []
        return list(_places(OmegaConf.to_container(cfg)))

    def is_read(self, place: Place) -> bool:
        """Whether a part is built of what stands at a place; of flags it may be all that are recorded."""
        part, *names = place
        if part not in PARTS:
            return False
        if not names or names[0] == self._choice(part):
            return True
        declared = self._declared[part]
        if declared is None or (isinstance(self.group(part), Namespace) and not self.has_our_model):
            return self.records(place)
        return names[0] in declared

    def may_be_read(self, place: Place) -> bool:
        """Whether a part that declares no options may look for one at a place where its training had none."""
        part, *names = place
        if part not in PARTS or not names or self.has_our_model or names[0] in GROUPS:
            return False
        return self._declared[part] is None or isinstance(self.group(part), Namespace)

    def _choice(self, part: str) -> str:
        """Return the name of the option that says which of its kind a part is."""
        return "_name" if self._args is None else _flag(part)


def recorded_name(state: Mapping[str, Any], part: str) -> str | None:
    """Return the name of the task, the model or the criterion (*part*) that a checkpoint records."""
    cfg = state.get("cfg")
    if cfg is None:
        return getattr(state.get("args"), _flag(part), None)
    group = cfg.get(part)
    name = getattr(group, "_name", None) if isinstance(group, Namespace) else (group or {}).get("_name")
    return None if name is None else str(name)


def _flag(part: str) -> str:
    return "arch" if part == "model" else part


def _fields(dataclass: Any) -> frozenset[str] | None:
    return None if dataclass is None else frozenset(field.name for field in fields(dataclass))


def _places(value: object, place: Place = ()) -> Iterator[Place]:
    """Yield the places of the probe in nested options."""
    if value == _PROBE:
        yield place
    options = vars(value) if isinstance(value, Namespace) else value
    if isinstance(options, Mapping):
        for name, option in options.items():
            yield from _places(option, (*place, name))
