"""How the processes of a command begin and end together: they meet, are joined, live, and know why one of them ends."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial, wraps
from typing import Any

import torch
import torch.distributed
from fairseq.distributed import utils as distributed_utils
from torch.distributed import Store

from mtdeep.fairseq_plugin.compat.worker_ends import end_with_parent
from mtdeep.fairseq_plugin.going_on import going_on
from mtdeep.fairseq_plugin.leaving import run_heeding
from mtdeep.fairseq_plugin.processes.launch import local_rank
from mtdeep.fairseq_plugin.processes.liveness import Life
from mtdeep.fairseq_plugin.processes.meeting import meet
from mtdeep.fairseq_plugin.processes.place import Place

COLLECTIVES = timedelta(minutes=30)
"""What one process may do while others wait for it: save, compile, validate. That it lives is `liveness`'s affair."""
_life = Life()
"""This process's; a process runs one command."""
_distributed_init = distributed_utils.distributed_init
_distributed_main = distributed_utils.distributed_main


@wraps(_distributed_init)
def distributed_init(cfg: Any) -> int:
    """Join the processes of a command together, after they have met; in a file they meet in torch's way, unwatched."""
    training = cfg.distributed_training
    if cfg.common.tpu or torch.distributed.is_initialized():
        return int(_distributed_init(cfg))
    method = training.distributed_init_method
    if method.startswith("file:"):
        with _joining({"init_method": method}):
            return int(_distributed_init(cfg))
    agent = method.startswith("env:") and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    rank, processes = training.distributed_rank, training.distributed_world_size
    meeting = meet(Place.of(method), rank, processes, command=_command(cfg), agent=agent)
    _life.begin(meeting)
    with _joining({"store": meeting.store}):
        return int(_distributed_init(cfg))


@wraps(_distributed_main)
def distributed_main(i: int, main: Callable[..., None], cfg: Any, kwargs: dict[str, Any]) -> None:
    """Run a process of a command: it ends where another one is lost, and tells the others how it ends itself."""
    end_with_parent()  # before it waits for the others
    trains = isinstance(main, partial) and main.func is run_heeding
    number = i if multiprocessing.parent_process() is not None else local_rank()
    with _life.shared(partial(going_on, cfg.checkpoint) if trains else None, number):
        _distributed_main(i, main, cfg, kwargs)


def _command(cfg: Any) -> str:
    """Return what tells one training from another."""
    return f"--save-dir {cfg.checkpoint.save_dir} and --seed {cfg.common.seed}"


@contextmanager
def _joining(by: dict[str, Store | str]) -> Iterator[None]:
    """Let torch join the processes by what they share already, or in its own way."""
    module: Any = torch.distributed
    join = module.init_process_group

    def joined(*, init_method: str, **options: Any) -> None:
        join(**by, timeout=COLLECTIVES, **options)

    module.init_process_group = joined
    try:
        yield
    finally:
        module.init_process_group = join


distributed_utils.distributed_init = distributed_init
distributed_utils.distributed_main = distributed_main
