"""`--distributed-world-size N` on a CPU is refused ("have 0 available devices").

Without a GPU in use, processes are started: N of them on this machine, or, where `--distributed-init-method` says that
others take part, `--nprocs-per-node` of them from `--distributed-rank` on.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.compat.gpus import uses_gpus
from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return int(server.getsockname()[1])


def start_workers(cfg: Any, main: Callable[..., None], options: dict[str, Any], processes: int) -> None:
    """Start this machine's processes, one for each of its ranks, and wait for them."""
    import torch

    training = cfg.distributed_training
    if training.distributed_init_method is None:
        training.distributed_init_method = f"tcp://localhost:{_free_port()}"
    training.distributed_num_procs = processes
    start_rank = training.distributed_rank
    if start_rank + processes > training.distributed_world_size:
        raise UserError(
            f"--distributed-rank {start_rank} and the {processes} ranks of this machine (--nprocs-per-node) do not fit"
            f" into --distributed-world-size {training.distributed_world_size}; correct one of the three"
        )
    training.distributed_rank = None  # each process takes its own
    torch.multiprocessing.spawn(
        sys.modules[MODULE].distributed_main,
        args=(main, cfg, {**options, "start_rank": start_rank}),
        nprocs=processes,
    )


def starting_workers(original: Callable[..., None]) -> Callable[..., None]:
    """Return what runs a command, and starts the processes itself where no launcher did and no GPU is in use."""
    import torch

    module: Any = sys.modules[MODULE]

    @wraps(original)
    def call_main(cfg: Any, main: Callable[..., None], **options: Any) -> None:
        training = cfg.distributed_training
        alone = training.distributed_init_method is None
        if alone:
            module.infer_init_method(training)
        ours_to_start = training.distributed_world_size > 1 and not training.distributed_no_spawn and not cfg.common.tpu
        if ours_to_start and not uses_gpus(cfg):
            processes = training.distributed_world_size if alone else training.nprocs_per_node
            start_workers(cfg, main, options, processes)
        elif ours_to_start and training.distributed_init_method is None:
            raise UserError(
                f"--distributed-world-size is {training.distributed_world_size}, but {torch.cuda.device_count()} GPUs"
                " are in sight; lower it, start the others with torchrun, or add --cpu"
            )
        else:
            if training.distributed_world_size == 1 and not uses_gpus(cfg):
                training.distributed_no_spawn = True  # else as many as there are GPUs are started
            original(cfg, main, **options)

    return call_main


def within_gpus(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return what counts this machine's processes, and leaves more than it has GPUs to `call_main`."""
    import torch

    @wraps(original)
    def infer_single_node(cfg: Any) -> None:
        # The rest is left to call_main, which alone sees --cpu.
        if cfg.distributed_world_size <= torch.cuda.device_count():
            original(cfg)

    return infer_single_node


PATCH = replacement(
    name="cpu_processes",
    mends="several processes on a CPU are refused",
    ticket="facebookresearch/fairseq#2879",
    module=MODULE,
    needed=partial(uses, MODULE, "_infer_single_node_init", "device_count"),
    places={"call_main": starting_workers, "_infer_single_node_init": within_gpus},
)
