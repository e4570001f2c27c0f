"""`--distributed-world-size N` on a CPU is refused ("have 0 available devices"), and `nccl` is asked for there.

Without a GPU in use, processes are started with the `gloo` backend: N of them on this machine, or, where
`--distributed-init-method` says that others take part, `--nprocs-per-node` of them from `--distributed-rank` on.
On any device, what the user did wrong reaches the user as one sentence and not as the traceback of a worker, and no
worker outlives the process that started it.
"""

from __future__ import annotations

import multiprocessing
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from mtdeep.durable import is_full
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.distributed.utils"
# As Python prints it: number, text, and the file if there is one.
SYSTEM_ERROR = re.compile(r"OSError: \[Errno (\d+)\] ([^:]*)(?:: '(.*)')?")


def _uses_gpus(cfg: Any) -> bool:
    import torch

    return torch.cuda.is_available() and not cfg.common.cpu


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


@contextmanager
def raising_workers_errors() -> Iterator[None]:
    """Raise a `UserError` or a full disk that ended a worker as such; torch hands over the text of its traceback."""
    from torch.multiprocessing import ProcessRaisedException

    try:
        yield
    except ProcessRaisedException as problem:
        last = str(problem).rstrip().rpartition("\n")[2]
        if (system := SYSTEM_ERROR.fullmatch(last)) and is_full(error := OSError(int(system[1]), *system.groups()[1:])):
            raise error from None
        kind, _, sentence = last.partition(": ")
        if kind != f"{UserError.__module__}.{UserError.__qualname__}":
            raise
        raise UserError(sentence) from None


def end_with_parent() -> None:
    """Let a worker end when the process that started it is gone, however that ended.

    torch asks for SIGINT then, which is ignored in whatever a script has started in the background.
    """
    from torch.multiprocessing import _prctl_pr_set_pdeathsig  # type: ignore[attr-defined]

    if multiprocessing.parent_process() is not None:
        _prctl_pr_set_pdeathsig(signal.SIGTERM)


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
        if ours_to_start and not _uses_gpus(cfg):
            with raising_workers_errors():
                processes = training.distributed_world_size if alone else training.nprocs_per_node
                start_workers(cfg, main, options, processes)
        elif ours_to_start and training.distributed_init_method is None:
            raise UserError(
                f"--distributed-world-size is {training.distributed_world_size}, but {torch.cuda.device_count()} GPUs"
                " are in sight; lower it, start the others with torchrun, or add --cpu"
            )
        else:
            with raising_workers_errors():
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


def choosing_gloo(original: Callable[[Any], int]) -> Callable[[Any], int]:
    """Return what joins the processes together: by `gloo` where no GPU is in use."""

    @wraps(original)
    def distributed_init(cfg: Any) -> int:
        end_with_parent()
        if _uses_gpus(cfg):
            return int(original(cfg))
        if cfg.distributed_training.distributed_backend == "nccl":
            cfg.distributed_training.distributed_backend = "gloo"
        with out_of_sight():  # its first all-reduce would go over any GPU in sight
            return int(original(cfg))

    return distributed_init


PATCH = replacement(
    name="workers",
    mends="several processes on a CPU are refused, and a mistake of the user's ends in a worker's traceback",
    ticket="facebookresearch/fairseq#2879",
    module=MODULE,
    needed=partial(uses, MODULE, "_infer_single_node_init", "device_count"),
    places={
        "call_main": starting_workers,
        "_infer_single_node_init": within_gpus,
        "distributed_init": choosing_gloo,
    },
)
