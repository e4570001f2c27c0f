"""What torch may rebuild of a checkpoint beside tensors and Python's own values: data, of which nothing runs.

There is one list. fairseq's commands have the classes themselves (`compat.torch_load`); without fairseq, where nobody
asks for more than arguments and tensors, a `Placeholder` takes each of them in.
"""

from __future__ import annotations

import collections
import typing
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from mtdeep.checkpoint.numpy_numbers import REBUILDING, NumberType
from mtdeep.checkpoint.replace import replace

# The old name and the new one.
_METERS = ("fairseq.meters", "fairseq.logging.meters")
#: Classes of other packages by the names under which they are pickled.
CLASS_NAMES = (
    # Metrics of checkpoints before fairseq 0.9, and the dictionaries of audio tasks.
    *(f"{module}.{meter}" for module in _METERS for meter in ("AverageMeter", "TimeMeter", "StopwatchMeter")),
    "fairseq.data.dictionary.Dictionary",
    # Arguments that a program of a user's own has read with fairseq and written again.
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.nodes.AnyNode",
)
#: Classes of Python's library: arguments before fairseq 0.10, and what omegaconf and dictionaries refer to.
PYTHON_CLASSES = (Namespace, typing.Any, dict, list, int, float, str, bool, bytes)

SafeGlobal = type | Callable[..., Any] | tuple[Any, str]


def dictionary(*_: object) -> dict[Any, Any]:
    """Stand for a dictionary of another kind, which torch would not fill."""
    return {}


DICTIONARY_CLASSES = (
    (dictionary, "collections.defaultdict"),
    *((collections.OrderedDict, f"{module}.MetersDict") for module in _METERS),
)


class Placeholder(dict[Any, Any]):
    """An object of a class in `CLASS_NAMES` that is not imported."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the object's attributes."""
        vars(self).update(state)


def allow_list(resolve: Callable[[str], Any] = lambda name: Placeholder) -> list[SafeGlobal]:
    """Return the list, in the form that torch takes; *resolve* says what rebuilds a class of `CLASS_NAMES`."""
    return [*PYTHON_CLASSES, *DICTIONARY_CLASSES, *REBUILDING, *((resolve(name), name) for name in CLASS_NAMES)]


def qualified_name(item: SafeGlobal) -> str:
    """Return the name under which a pickle asks for an item of torch's list."""
    return item[1] if isinstance(item, tuple) else f"{item.__module__}.{item.__qualname__}"


def without_placeholders(value: Any) -> Any:
    """Return a value with plain ones for the objects and the types of numpy that placeholders have taken in."""
    return replace(value, _original)


def _original(value: Any) -> Any:
    if isinstance(value, NumberType):
        return value.dtype
    if not isinstance(value, Placeholder):
        return value
    attributes = vars(value)
    for content in ("_content", "_val"):  # of omegaconf's containers and nodes
        if content in attributes:
            return _original(attributes[content])
    return {**value, **attributes}
