"""`--distributed-world-size N` on a CPU is refused ("have 0 available devices"), and `nccl` is asked for there.

Without a GPU in use, N processes are started with the `gloo` backend.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.distributed.utils"


def _uses_gpus(cfg: Any) -> bool:
    import torch

    return torch.cuda.is_available() and not cfg.common.cpu


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return int(server.getsockname()[1])


def start_workers(cfg: Any, main: Callable[..., None], options: dict[str, Any]) -> None:
    """Start one process for each rank of the world on this machine and wait for them."""
    import torch

    training = cfg.distributed_training
    if training.distributed_init_method is None:
        training.distributed_init_method = f"tcp://localhost:{_free_port()}"
    training.distributed_num_procs = training.distributed_world_size
    start_rank = training.distributed_rank
    training.distributed_rank = None  # each process takes its own
    torch.multiprocessing.spawn(
        sys.modules[MODULE].distributed_main,
        args=(main, cfg, {**options, "start_rank": start_rank}),
        nprocs=training.distributed_world_size,
    )


def needed() -> bool:
    """Whether fairseq still compares the world with the number of GPUs."""
    return "device_count" in sys.modules[MODULE]._infer_single_node_init.__code__.co_names


def apply() -> None:
    """Choose `gloo` without GPUs, and start the processes there ourselves where no launcher did."""
    import torch

    module: Any = sys.modules[MODULE]
    original_call, original_init = module.call_main, module.distributed_init

    @wraps(original_call)
    def call_main(cfg: Any, main: Callable[..., None], **options: Any) -> None:
        training = cfg.distributed_training
        if training.distributed_init_method is None:
            module.infer_init_method(training)
        ours_to_start = training.distributed_world_size > 1 and not training.distributed_no_spawn and not cfg.common.tpu
        if ours_to_start and not _uses_gpus(cfg):
            start_workers(cfg, main, options)
        elif ours_to_start and training.distributed_init_method is None:
            raise UserError(
                f"--distributed-world-size is {training.distributed_world_size}, but {torch.cuda.device_count()} GPUs"
                " are in sight; lower it, start the others with torchrun, or add --cpu"
            )
        else:
            original_call(cfg, main, **options)

    original_single = module._infer_single_node_init

    @wraps(original_single)
    def infer_single_node(cfg: Any) -> None:
        # The rest is left to call_main, which alone sees --cpu.
        if cfg.distributed_world_size <= torch.cuda.device_count():
            original_single(cfg)

    @wraps(original_init)
    def distributed_init(cfg: Any) -> int:
        if not _uses_gpus(cfg) and cfg.distributed_training.distributed_backend == "nccl":
            cfg.distributed_training.distributed_backend = "gloo"
        return int(original_init(cfg))

    module.call_main, module.distributed_init = call_main, distributed_init
    module._infer_single_node_init = infer_single_node


PATCH = Patch(
    name="cpu_workers",
    mends="several processes on a CPU are refused: world size above the number of GPUs",
    ticket="facebookresearch/fairseq#2879",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "call_main"),
)
