"""`all_gather_list` allocates its buffers on a GPU and in pinned memory, also between processes without a GPU.

The function keeps them as attributes of its own name and allocates only where they are missing or too small, so a
wrapper that provides CPU buffers first is all it takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"


def with_cpu_buffers(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that has CPU buffers before fairseq looks for them, unless the group talks through NCCL."""
    import torch

    module: Any = sys.modules[MODULE]

    @wraps(original)
    def all_gather_list(data: Any, group: Any = None, max_size: int = 16384) -> list[Any]:
        group = module.get_global_group() if group is None else group
        size = max_size * module.get_world_size(group=group)
        function = module.all_gather_list  # by the name under which fairseq looks for the buffers
        too_small = not hasattr(function, "_buffer") or function._buffer.numel() < size
        if too_small and torch.distributed.get_backend(group) != "nccl":
            function._buffer = torch.empty(size, dtype=torch.uint8)
            function._cpu_buffer = torch.empty(max_size, dtype=torch.uint8)
        return list(original(data, group, max_size))

    return all_gather_list


PATCH = replacement(
    name="cpu_all_gather",
    mends="all_gather_list allocates CUDA and pinned buffers on a CPU",
    ticket="facebookresearch/fairseq#2879",
    module=MODULE,
    needed=partial(uses, MODULE, "all_gather_list", "pin_memory"),
    places={"all_gather_list": with_cpu_buffers},
)
