"""fairseq hands `device_ids` to DDP for modules on a CPU too, which DDP refuses."""

from __future__ import annotations

from functools import partial
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.models.distributed_fairseq_model"


def without_device_on_cpu(ddp: Any) -> type:
    """Return a DDP that drops the device of a module on a CPU."""
    from torch import nn

    class DeviceAwareDDP(ddp):
        def __init__(self, module: nn.Module, device_ids: Any, output_device: Any, **options: Any) -> None:
            on_cpu = all(parameter.device.type == "cpu" for parameter in module.parameters())
            if on_cpu:
                device_ids = output_device = None
            super().__init__(module, device_ids=device_ids, output_device=output_device, **options)

    return DeviceAwareDDP


PATCH = replacement(
    name="cpu_ddp",
    mends="DDP refuses device_ids for a model on a CPU",
    ticket="facebookresearch/fairseq#2879",
    module=MODULE,
    needed=partial(uses, MODULE, "DistributedFairseqModel", "DistributedDataParallel"),
    places={"DistributedDataParallel": without_device_on_cpu},
)
