"""fairseq tells DDP by `broadcast_buffers` whether to synchronise buffers; torch 2.13 warns of it in every process.

The name is `forward_sync_buffers` now. Without it buffers are made equal once, at the start, which changes nothing for
models whose buffers are: `--broadcast-buffers` still says whether every forward pass does it again.
"""

from __future__ import annotations

import sys
from functools import partial
from inspect import signature
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, has_base_of

MODULE = "fairseq.models.distributed_fairseq_model"


def needed() -> bool:
    """Return whether torch has the new name."""
    from torch.nn.parallel import DistributedDataParallel

    return "forward_sync_buffers" in signature(DistributedDataParallel.__init__).parameters


def apply() -> None:
    """Hand that module a DDP that takes the old name."""
    module: Any = sys.modules[MODULE]

    class DDPWithOldName(module.DistributedDataParallel):
        def __init__(self, *arguments: Any, broadcast_buffers: bool, **options: Any) -> None:
            super().__init__(*arguments, forward_sync_buffers=broadcast_buffers, **options)

    module.DistributedDataParallel = DDPWithOldName


PATCH = Patch(
    name="ddp_buffers",
    mends="a warning of torch 2.13 in every process of a training, that broadcast_buffers is deprecated",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/models/distributed_fairseq_model.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(has_base_of, __name__, MODULE, "DistributedDataParallel"),
)
