"""fairseq tells DDP by `broadcast_buffers` whether to synchronise buffers; torch 2.13 warns of it in every process.

The name is `forward_sync_buffers` now. Without it buffers are made equal once, at the start, which changes nothing for
models whose buffers are: `--broadcast-buffers` still says whether every forward pass does it again.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.models.distributed_fairseq_model"


def needed() -> bool:
    """Return whether torch has the new name."""
    from torch.nn.parallel import DistributedDataParallel

    return "forward_sync_buffers" in signature(DistributedDataParallel.__init__).parameters


def with_old_name(ddp: Any) -> type:
    """Return a DDP that takes the old name."""

    class DDPWithOldName(ddp):
        def __init__(self, *arguments: Any, broadcast_buffers: bool, **options: Any) -> None:
            super().__init__(*arguments, forward_sync_buffers=broadcast_buffers, **options)

    return DDPWithOldName


PATCH = replacement(
    name="ddp_buffers",
    mends="a warning of torch 2.13 in every process of a training, that broadcast_buffers is deprecated",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/models/distributed_fairseq_model.py (no thread found)",
    module=MODULE,
    needed=needed,
    places={"DistributedDataParallel": with_old_name},
)
