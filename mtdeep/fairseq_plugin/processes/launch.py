"""Which processes a launcher has started, and where they meet: torchrun, SLURM's srun, or whatever sets what they set.

fairseq heeds srun under ``--distributed-port`` alone, and goes on as one process where `scontrol` is not installed, as
in most containers: each of srun's tasks would train the whole model, and all of them would write the same checkpoints.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mtdeep.errors import UserError

TORCHRUN = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK")
MPI_SIZES = ("OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
Environment = Mapping[str, str]


@dataclass(frozen=True)
class Tasks:
    """What srun tells one of its tasks."""

    number: int
    """Of tasks in this step of the job."""
    rank: int
    """This task's, from 0 on."""
    local_rank: int
    """This task's on its node."""
    nodes: int
    node: int
    """This task's, from 0 on."""
    address: str
    """Host and port at which the first task waits for the others."""

    @classmethod
    def of(cls, environment: Environment, port: int) -> Tasks | None:
        """Return what there is in the environment; None: there is one task, or none.

        port: of --distributed-port; where that is not given, one that follows from the numbers of job and step.
        """
        number = int(environment.get("SLURM_STEP_NUM_TASKS", "1"))
        if number == 1:
            return None
        return cls(
            number,
            rank=int(environment["SLURM_PROCID"]),
            local_rank=int(environment["SLURM_LOCALID"]),
            nodes=int(environment["SLURM_STEP_NUM_NODES"]),
            node=int(environment["SLURM_NODEID"]),
            address=f"{first_node(environment['SLURM_STEP_NODELIST'])}:{port if port > 0 else _port(environment)}",
        )


def first_node(nodes: str) -> str:
    """Return the first name of a list as SLURM writes them: ``gpu[07-09,12]-a,login`` begins with ``gpu07-a``."""
    name = re.match(r"[^,\[]*(?:\[[^\]]*\][^,\[]*)*", nodes)
    assert name is not None, "it matches what is empty, too"
    return re.sub(r"\[(\w+)[^\]]*\]", r"\1", name[0])


def _port(environment: Environment) -> int:
    """Return a port for a step of a job; below those that Linux lends to whoever connects somewhere."""
    job, step = (int(environment.get(name, "0")) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    return 15_000 + (job + 7919 * step) % 15_000


def local_rank() -> int:
    """Return the number that a launcher has given to this process among those of its machine; without one 0."""
    return int(os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0")))


def follow_torchrun(training: Any, environment: Environment) -> None:
    """Raise UserError where torchrun's variables are half there, or contradict ``--distributed-world-size``."""
    processes = int(environment["WORLD_SIZE"])
    missing = [name for name in TORCHRUN if name not in environment]
    if missing:
        raise UserError(
            f"the environment has RANK and WORLD_SIZE={processes}, but not {' and '.join(missing)}: set where process "
            "0 waits for the others, or start them with torchrun or srun."
        )
    _agree(training, processes, "torchrun (WORLD_SIZE)")


def follow_srun(training: Any, tasks: Tasks, *, gpus: int) -> None:
    """Take over what srun says: a process a task, or, with a task a node, one for each of its GPUs."""
    training.distributed_init_method = f"tcp://{tasks.address}"
    if tasks.number == tasks.nodes and gpus > 1:
        _agree(training, tasks.nodes * gpus, f"srun (nodes, of {gpus} GPUs each)")
        training.distributed_world_size = tasks.nodes * gpus
        training.distributed_rank = tasks.node * gpus
        training.distributed_num_procs = training.nprocs_per_node = gpus
        return
    if 1 < gpus <= tasks.local_rank:
        raise UserError(
            f"srun has started more tasks on a node than the {gpus} GPUs in sight: give a task a GPU."
        )
    _agree(training, tasks.number, "srun (--ntasks)")
    training.distributed_world_size, training.distributed_rank = tasks.number, tasks.rank
    training.distributed_no_spawn = True
    training.device_id = tasks.local_rank if gpus > 1 else 0  # --gpus-per-task shows each task its own as number 0


def _agree(training: Any, processes: int, launcher: str) -> None:
    given = training.distributed_world_size
    if given not in (processes, 1, torch.cuda.device_count()):  # fairseq has one a GPU when none is given
        raise UserError(
            f"--distributed-world-size is {given}, but {launcher} has started {processes} processes: leave it out."
        )


def _refuse_mpi(environment: Environment) -> None:
    for name in MPI_SIZES:
        if int(environment.get(name, "1")) > 1:
            raise UserError(
                f"mpirun has started {environment[name]} processes, and does not say where they meet: start them with "
                "torchrun or srun."
            )


def follow_launcher(cfg: Any) -> None:
    """Find out who has started this process, and with which others; raises UserError where that cannot be.

    For trainings and validations alone: what translates or scores does so on its own, in each of srun's tasks.
    """
    training, environment = cfg.distributed_training, os.environ
    if training.distributed_init_method is not None or training.tpu or training.pipeline_model_parallel:
        return
    tasks = Tasks.of(environment, training.distributed_port)
    if "RANK" in environment and int(environment.get("WORLD_SIZE", "1")) > 1:
        follow_torchrun(training, environment)
    elif tasks is not None:
        follow_srun(training, tasks, gpus=0 if cfg.common.cpu else torch.cuda.device_count())
    else:
        _refuse_mpi(environment)
