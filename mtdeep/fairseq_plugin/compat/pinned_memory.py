"""Every data loader of fairseq asks for pinned memory; without an accelerator torch warns of it in every run.

Pinned memory is what copies to a device start from. Where there is no device, or one that torch cannot pin memory for,
the loaders here do not ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.data.iterators"


def can_be_pinned() -> bool:
    """Return whether this machine has a device for which torch pins memory."""
    import torch

    device = torch.accelerator.current_accelerator(check_available=True)
    return device is not None and device.type != "mps"


def pinning_where_of_use(data_loader: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes data loaders that pin memory only where that is of use."""

    @wraps(data_loader, updated=())
    def loader(dataset: Any, *, pin_memory: bool = False, **options: Any) -> Any:
        return data_loader(dataset, pin_memory=pin_memory and can_be_pinned(), **options)

    return loader


PATCH = replacement(
    name="pinned_memory",
    mends="a warning of torch in every run without an accelerator, that memory cannot be pinned",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "EpochBatchIterator._get_iterator_for_epoch", "DataLoader"),
    places={"torch.utils.data.DataLoader": pinning_where_of_use},
)
