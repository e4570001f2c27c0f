"""Who has started a process, and with which others."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from fairseq.dataclass.configs import DistributedTrainingConfig
from fairseq.distributed.utils import infer_init_method
from omegaconf import OmegaConf

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.processes.launch import MPI_SIZES, TORCHRUN, first_node, follow_launcher, local_rank

SRUN = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "6",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "gpu[07,09]",
    "SLURM_PROCID": "4",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
}


@pytest.fixture
def inferred(monkeypatch) -> Callable[..., DistributedTrainingConfig]:
    """Return what fairseq's settings become: (environment, gpus, whether they are left alone, **settings)."""
    for name in (*TORCHRUN, *SRUN, *MPI_SIZES, "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)

    def infer(
        environment: dict[str, str], gpus: int = 0, *, cpu: bool = False, **settings: object
    ) -> DistributedTrainingConfig:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        training = OmegaConf.structured(DistributedTrainingConfig(tpu=False, **settings))
        follow_launcher(SimpleNamespace(distributed_training=training, common=SimpleNamespace(cpu=cpu)))
        infer_init_method(training)
        return training

    return infer


def test_a_process_alone_stays_alone(inferred) -> None:
    assert inferred({}).distributed_init_method is None
    assert inferred({**SRUN, "SLURM_STEP_NUM_TASKS": "1"}).distributed_init_method is None
    assert local_rank() == 1


def test_a_batch_script_of_slurm_is_no_task_of_srun(inferred) -> None:
    """It has the numbers of the job, and those of a first task, but none of a step."""
    batch = {"SLURM_NTASKS": "6", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_JOB_NODELIST": "gpu[07,09]"}
    assert inferred(batch).distributed_init_method is None


@pytest.mark.parametrize(("gpus", "device"), [(0, 0), (1, 0), (4, 1)])
def test_srun_with_a_task_a_process(inferred, gpus: int, device: int) -> None:
    training = inferred(SRUN, gpus, distributed_world_size=6)
    assert training.distributed_init_method == f"tcp://gpu07:{15_000 + 4711}"
    assert (training.distributed_world_size, training.distributed_rank, training.device_id) == (6, 4, device)
    assert training.distributed_no_spawn


def test_srun_with_a_task_a_node(inferred) -> None:
    training = inferred({**SRUN, "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "SLURM_LOCALID": "0"}, 8)
    assert (training.distributed_world_size, training.distributed_rank) == (16, 8)
    assert (training.distributed_num_procs, training.nprocs_per_node, training.distributed_no_spawn) == (8, 8, False)


@pytest.mark.parametrize("gpus", [0, 8])
def test_srun_with_a_task_a_node_on_cpus(inferred, gpus: int) -> None:
    node = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "SLURM_LOCALID": "0"}
    training = inferred({**SRUN, **node}, gpus, cpu=True)
    assert (training.distributed_world_size, training.distributed_rank) == (2, 1)
    assert training.distributed_no_spawn


def test_the_port_is_the_users_or_follows_from_job_and_step(inferred) -> None:
    assert inferred(SRUN, distributed_port=2345).distributed_init_method == "tcp://gpu07:2345"
    ports = set()
    for job in ("1", "99999999"):
        for step in ("0", "1", "2"):
            method = inferred({**SRUN, "SLURM_JOB_ID": job, "SLURM_STEP_ID": step}).distributed_init_method
            ports.add(int(method.rpartition(":")[2]))
    assert len(ports) == 6
    assert all(1024 < port < 32_768 for port in ports)


def test_where_the_user_says_how_they_meet_it_is_so(inferred) -> None:
    training = inferred(SRUN, distributed_init_method="tcp://there:1", distributed_rank=3, distributed_world_size=4)
    assert (training.distributed_init_method, training.distributed_rank) == ("tcp://there:1", 3)


def test_torchrun_within_srun_goes_first(inferred) -> None:
    torchrun = {"MASTER_ADDR": "there", "MASTER_PORT": "1", "WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "2"}
    training = inferred({**SRUN, **torchrun}, 4)
    assert (training.distributed_init_method, training.distributed_world_size) == ("env://", 4)
    assert (training.distributed_rank, training.device_id, local_rank()) == (3, 2, 2)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("login", "login"),
        ("a,b", "a"),
        ("gpu[07-09,12],login", "gpu07"),
        ("gpu[12,07]-ib,x", "gpu12-ib"),
        ("r[1-2]n[003-004]", "r1n003"),
        ("node-1.cluster.example", "node-1.cluster.example"),
    ],
)
def test_the_first_of_slurms_nodes(nodes: str, first: str) -> None:
    assert first_node(nodes) == first


@pytest.mark.parametrize(
    ("environment", "gpus", "settings", "sentence"),
    [
        ({"RANK": "1", "WORLD_SIZE": "2"}, 0, {}, "has RANK and WORLD_SIZE=2, but not MASTER_ADDR and MASTER_PORT"),
        (
            {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"},
            0,
            {"distributed_world_size": 3},
            r"is 3, but torchrun \(WORLD_SIZE\) has started 2 processes",
        ),
        (SRUN, 0, {"distributed_world_size": 3}, r"is 3, but srun \(--ntasks\) has started 6 processes"),
        ({**SRUN, "SLURM_LOCALID": "2"}, 2, {"distributed_world_size": 6}, "2 GPUs in sight: give a task a GPU"),
        ({"OMPI_COMM_WORLD_SIZE": "4"}, 0, {}, "mpirun has started 4 processes, and does not say where"),
    ],
)
def test_a_wrong_launch_is_refused(
    inferred, environment: dict[str, str], gpus: int, settings: dict[str, int], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        inferred(environment, gpus, **settings)
