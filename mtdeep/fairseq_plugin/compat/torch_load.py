"""torch >= 2.6 reads checkpoints with `weights_only=True`, which refuses classes that fairseq's checkpoints hold.

Those classes are put on torch's allow-list: plain data, none of which runs code when it is made. `weights_only=False`
is never used, so a checkpoint that carries code is refused by every fairseq command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch

MODULE = "fairseq"


def checkpoint_classes() -> list[type | Callable[..., Any] | tuple[Any, str]]:
    """What fairseq writes into checkpoints, and into the messages between its workers, beside tensors."""
    import argparse
    import collections
    import typing

    import numpy
    from fairseq.distributed import utils as distributed_utils
    from fairseq.logging import meters
    from omegaconf import DictConfig, ListConfig
    from omegaconf.base import ContainerMetadata, Metadata
    from omegaconf.nodes import AnyNode

    scalar = numpy.float64(0).__reduce__()[0]
    meter_classes = [meters.AverageMeter, meters.TimeMeter, meters.StopwatchMeter, meters.MetersDict]
    classes: list[Any] = [
        argparse.Namespace,
        # Losses and statistics that reached a meter as numpy scalars; numpy < 2 named the module otherwise.
        scalar,
        (scalar, "numpy.core.multiarray.scalar"),
        numpy.dtype,
        *(type(numpy.dtype(name)) for name in ("float32", "float64", "int32", "int64", "bool")),
        # Checkpoints before fairseq 0.9 hold the meters themselves, from the module's old name.
        *meter_classes,
        *((meter, f"fairseq.meters.{meter.__name__}") for meter in meter_classes),
        # Between workers, a configuration travels as it is and tensors are replaced by their numbers.
        distributed_utils._TensorPlaceholder,
        DictConfig,
        ListConfig,
        ContainerMetadata,
        Metadata,
        AnyNode,
        typing.Any,
        collections.defaultdict,
        dict,
        list,
        int,
        float,
        str,
        bool,
    ]
    return classes


def needed() -> bool:
    """Whether `torch.load` is safe unless told otherwise."""
    import inspect

    import torch

    return inspect.signature(torch.load).parameters["weights_only"].default is not False


def apply() -> None:
    """Put the classes on torch's allow-list."""
    import torch

    torch.serialization.add_safe_globals(checkpoint_classes())


def active() -> bool:
    """Whether the allow-list holds every class of fairseq's checkpoints."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    allowed = torch.serialization.get_safe_globals()
    return all(item in allowed for item in checkpoint_classes())


PATCH = Patch(
    name="torch_load",
    mends="torch.load refuses fairseq's own checkpoints (torch >= 2.6)",
    ticket="facebookresearch/fairseq#5610",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=active,
)
