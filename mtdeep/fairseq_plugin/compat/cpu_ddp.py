"""fairseq hands `device_ids` to DDP for modules on a CPU too, which DDP refuses."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, has_base_of

MODULE = "fairseq.models.distributed_fairseq_model"


def needed() -> bool:
    """Whether fairseq still wraps models with DDP itself."""
    return "DistributedDataParallel" in sys.modules[MODULE].DistributedFairseqModel.__code__.co_names


def apply() -> None:
    """Hand that module a DDP that drops the device of a module on a CPU."""
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel

    class DeviceAwareDDP(DistributedDataParallel):
        def __init__(self, module: nn.Module, device_ids: Any, output_device: Any, **options: Any) -> None:
            on_cpu = all(parameter.device.type == "cpu" for parameter in module.parameters())
            if on_cpu:
                device_ids = output_device = None
            super().__init__(module, device_ids=device_ids, output_device=output_device, **options)

    sys.modules[MODULE].DistributedDataParallel = DeviceAwareDDP  # type: ignore[attr-defined]


PATCH = Patch(
    name="cpu_ddp",
    mends="DDP refuses device_ids for a model on a CPU",
    ticket="facebookresearch/fairseq#2879",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(has_base_of, __name__, MODULE, "DistributedDataParallel"),
)
