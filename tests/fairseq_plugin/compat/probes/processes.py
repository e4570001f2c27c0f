"""Probes of several processes that train together."""

from __future__ import annotations

import os
import warnings

import torch
from commands import run_patched
from fairseq.dataclass.configs import DistributedTrainingConfig
from fairseq.distributed import utils as distributed_utils
from fairseq.models import distributed_fairseq_model
from fairseq.models.distributed_fairseq_model import DistributedFairseqModel
from folder import FOLDER

os.environ.update(MASTER_ADDR="localhost", MASTER_PORT="0", WORLD_SIZE="1", RANK="0")


def torchrun_local_rank() -> None:
    os.environ["LOCAL_RANK"] = "3"
    training = DistributedTrainingConfig(tpu=False)
    distributed_utils.infer_init_method(training)
    assert training.device_id == 3, f"device {training.device_id}"


def workers() -> None:
    training = DistributedTrainingConfig()
    training.distributed_world_size = torch.cuda.device_count() + 2
    distributed_utils._infer_single_node_init(training)


def gloo_threads() -> None:
    """A process that ends while a thread is in the middle of torch, as gloo's are; on its own in its group.

    The thread goes on until Python begins to exit, and a moment longer.
    """
    done = run_patched(
        "import atexit, torch",
        "from threading import Event, Thread",
        "from fairseq.dataclass.configs import FairseqConfig",
        "from fairseq.distributed.utils import distributed_init",
        "cfg = FairseqConfig()",
        "training = cfg.distributed_training",
        "training.distributed_backend, training.distributed_init_method = 'gloo', 'tcp://localhost:0'",
        "training.distributed_world_size, training.distributed_rank = 1, 0",
        "cfg.common.tpu = False",
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
    workers,
    gloo_threads,
    cpu_ddp,
    ddp_buffers,
    cpu_all_gather,
)
