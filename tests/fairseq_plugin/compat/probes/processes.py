"""Probes of several processes that train together."""

from __future__ import annotations

import os
import warnings
from unittest import mock

import torch
from commands import run_patched
from fairseq.dataclass.configs import DistributedTrainingConfig, FairseqConfig
from fairseq.distributed import utils as distributed_utils
from fairseq.models import distributed_fairseq_model
from fairseq.models.distributed_fairseq_model import DistributedFairseqModel
from folder import FOLDER
from torch.multiprocessing import ProcessRaisedException

from mtdeep.errors import UserError

os.environ.update(MASTER_ADDR="localhost", MASTER_PORT="0", WORLD_SIZE="1", RANK="0")


def torchrun_local_rank() -> None:
    os.environ["LOCAL_RANK"] = "3"
    training = DistributedTrainingConfig(tpu=False)
    distributed_utils.infer_init_method(training)
    assert training.device_id == 3, f"device {training.device_id}"


def cpu_processes() -> None:
    training = DistributedTrainingConfig()
    training.distributed_world_size = torch.cuda.device_count() + 2
    distributed_utils._infer_single_node_init(training)


def worker_errors() -> None:
    cfg = FairseqConfig()
    cfg.distributed_training.distributed_world_size = 2
    cfg.distributed_training.distributed_init_method = "tcp://localhost:0"
    cfg.common.tpu, cfg.common.cpu = False, True
    ended = ProcessRaisedException("Traceback ...\nmtdeep.errors.UserError: a mistake", 0, 1)
    with mock.patch("torch.multiprocessing.spawn", side_effect=ended):
        try:
            distributed_utils.call_main(cfg, print)
        except UserError as problem:
            assert str(problem) == "a mistake"


ALONE = (
    "from fairseq.dataclass.configs import FairseqConfig",
    "from fairseq.distributed.utils import distributed_init",
    "cfg = FairseqConfig()",
    "training = cfg.distributed_training",
    "training.distributed_init_method = 'tcp://localhost:0'",
    "training.distributed_world_size, training.distributed_rank = 1, 0",
    "cfg.common.tpu, cfg.common.cpu = False, True",
)
"""Lines of a program whose process is to be on its own in its group."""


def gloo_backend() -> None:
    done = run_patched(*ALONE, "distributed_init(cfg)")
    assert done.returncode == 0, done.stderr


def worker_ends() -> None:
    """The signal that a process is to get when its parent is gone; torch sets it in those that it starts itself."""
    done = run_patched(
        *ALONE,
        "import ctypes, multiprocessing, os",
        "training.distributed_backend = 'gloo'",
        "def work():",
        "    distributed_init(cfg)",
        "    signal = ctypes.c_int()",
        "    ctypes.CDLL(None).prctl(2, ctypes.byref(signal))  # PR_GET_PDEATHSIG",
        "    os._exit(signal.value)",
        "worker = multiprocessing.get_context('fork').Process(target=work)",
        "worker.start()",
        "worker.join()",
        "assert worker.exitcode == 9, worker.exitcode",
    )
    assert done.returncode == 0, done.stderr


def gloo_threads() -> None:
    """A process that ends while a thread is in the middle of torch, as gloo's are; on its own in its group.

    The thread goes on until Python begins to exit, and a moment longer.
    """
    done = run_patched(
        *ALONE,
        "import atexit, torch",
        "from threading import Event, Thread",
        "training.distributed_backend = 'gloo'",
        "distributed_init(cfg)",
        "numbers, exits = torch.randn(20_000), Event()",
        "def work():",
        "    while not exits.is_set(): numbers.sort()",
        "    for _ in range(20): numbers.sort()",
        "atexit.register(exits.set)",
        "Thread(target=work, daemon=True).start()",
    )
    assert done.returncode == 0, done.stderr


def in_one_process_group() -> None:
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", init_method=f"file://{FOLDER}/store", rank=0, world_size=1)


def cpu_ddp() -> None:
    in_one_process_group()
    training = DistributedTrainingConfig(tpu=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = torch.distributed.group.WORLD
        model = DistributedFairseqModel(training, torch.nn.Linear(2, 2), group, torch.device("cpu"))
    model(torch.zeros(1, 2)).sum().backward()


def ddp_buffers() -> None:
    in_one_process_group()
    for broadcast in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=FutureWarning)
            model = distributed_fairseq_model.DistributedDataParallel(
                torch.nn.Linear(2, 2), device_ids=None, output_device=None, broadcast_buffers=broadcast
            )
        assert model.forward_sync_buffers is broadcast


def cpu_all_gather() -> None:
    in_one_process_group()
    assert distributed_utils.all_gather_list({"loss": 1.5}) == [{"loss": 1.5}]
    assert distributed_utils.all_gather_list(["x" * 20000], max_size=1 << 16) == [["x" * 20000]]
    assert distributed_utils.all_gather_list(3) == [3]


PROBES = (
    torchrun_local_rank,
    cpu_processes,
    worker_errors,
    gloo_backend,
    worker_ends,
    gloo_threads,
    cpu_ddp,
    ddp_buffers,
    cpu_all_gather,
)
