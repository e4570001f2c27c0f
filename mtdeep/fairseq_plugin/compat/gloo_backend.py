"""The processes of a CPU are to be joined by `nccl`, which knows GPUs alone; here they are by `gloo`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.gpus import uses_gpus
from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"


@contextmanager
def out_of_sight() -> Iterator[None]:
    """Let no GPU be available."""
    import torch

    is_available = torch.cuda.is_available
    torch.cuda.is_available = lambda: False
    try:
        yield
    finally:
        torch.cuda.is_available = is_available


def choosing_gloo(original: Callable[[Any], int]) -> Callable[[Any], int]:
    """Return what joins the processes together: by `gloo` where no GPU is in use."""

    @wraps(original)
    def distributed_init(cfg: Any) -> int:
        if uses_gpus(cfg):
            return int(original(cfg))
        if cfg.distributed_training.distributed_backend == "nccl":
            cfg.distributed_training.distributed_backend = "gloo"
        with out_of_sight():  # its first all-reduce would go over any GPU in sight
            return int(original(cfg))

    return distributed_init


PATCH = replacement(
    name="gloo_backend",
    mends="processes on a CPU are joined by nccl, which needs GPUs",
    ticket="facebookresearch/fairseq#2879",
    module=MODULE,
    needed=partial(uses, MODULE, "distributed_init", "distributed_backend"),
    places={"distributed_init": choosing_gloo},
)
