"""srun's part, played by this machine: it starts tasks with the variables that it sets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

Task = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def port() -> int:
    """A free port."""
    with socket.socket() as server:
        server.bind(("localhost", 0))
        number: int = server.getsockname()[1]
        return number


def variables(rank: int, tasks: int, job: int, node: str, nodes: int = 1) -> dict[str, str]:
    """What srun sets for a task; on several nodes each has one."""
    local = {"SLURM_LOCALID": "0", "SLURM_NODEID": str(rank)} if nodes > 1 else {"SLURM_LOCALID": str(rank)}
    return {
        "SLURM_JOB_ID": str(job),
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": str(tasks),
        "SLURM_STEP_NUM_NODES": str(nodes),
        "SLURM_STEP_NODELIST": node,
        "SLURM_PROCID": str(rank),
        "SLURM_NODEID": "0",
        **local,
    }


@pytest.fixture
def start_task(tiny: list[str], toy_store: Path, tmp_path: Path) -> Iterator[Task]:
    """Start a task of srun that trains: (rank, *flags, before=words before the command, **what variables takes)."""
    started = []

    def start(
        rank: int,
        *flags: object,
        before: Sequence[str] = (),
        added: Mapping[str, str] = MappingProxyType({}),
        tasks: int = 2,
        job: int,
        node: str = "localhost",
        nodes: int = 1,
    ) -> subprocess.Popen[str]:
        command = [*before, Path(sys.executable).with_name("fairseq-train"), toy_store, *tiny, *flags]
        log = (tmp_path / f"log{rank}").open("w")
        task = subprocess.Popen(
            list(map(str, command)),
            env={**os.environ, "OMP_NUM_THREADS": "1", **variables(rank, tasks, job, node, nodes), **added},
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append((task, log))
        return task

    yield start
    for task, log in started:
        task.kill()
        task.wait()
        log.close()
