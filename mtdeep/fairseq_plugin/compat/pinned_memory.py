"""Every data loader of fairseq asks for pinned memory; without an accelerator torch warns of it in every run.

Pinned memory is what copies to a device start from. Where there is no device, or one that torch cannot pin memory for,
the loaders here do not ask for it.
"""

from __future__ import annotations

import sys
from typing import Any

from mtdeep.fairseq_plugin.compat.overlay import Overlay
from mtdeep.fairseq_plugin.compat.patch import Patch

MODULE = "fairseq.data.iterators"


def can_be_pinned() -> bool:
    """Return whether this machine has a device for which torch pins memory."""
    import torch

    device = torch.accelerator.current_accelerator(check_available=True)
    return device is not None and device.type != "mps"


def needed() -> bool:
    """Return whether fairseq's iterators still make torch's data loaders themselves."""
    return "DataLoader" in sys.modules[MODULE].EpochBatchIterator._get_iterator_for_epoch.__code__.co_names


def apply() -> None:
    """Show that module a torch whose data loader pins memory only where that is of use."""
    import torch

    def loader(dataset: Any, *, pin_memory: bool, **options: Any) -> Any:
        return torch.utils.data.DataLoader(dataset, pin_memory=pin_memory and can_be_pinned(), **options)

    data = Overlay(torch.utils.data, DataLoader=loader)
    sys.modules[MODULE].torch = Overlay(torch, utils=Overlay(torch.utils, data=data))  # type: ignore[attr-defined]


def active() -> bool:
    """Return whether the module sees torch through an overlay."""
    module: Any = sys.modules.get(MODULE)
    return module is not None and isinstance(module.torch, Overlay)


PATCH = Patch(
    name="pinned_memory",
    mends="a warning of torch in every run without an accelerator, that memory cannot be pinned",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=active,
)
