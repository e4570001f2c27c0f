"""What the user has to know is raised in every process of a training; one that went on would wait for the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fairseq.distributed import utils as distributed_utils

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.processes.launch import local_rank

T = TypeVar("T")


@contextmanager
def raised_by_all(trainer: Any) -> Iterator[None]:
    """Raise a UserError of the first process in all of them, which come here too.

    Of those that a launcher has started on one machine, the others end without a word: the first says it for them.
    """
    problem = None
    try:
        yield
    except UserError as error:
        problem = error
    sentence = of_the_first(trainer, None if problem is None else str(problem))
    if sentence is not None:
        if problem is None and local_rank() > 0:
            raise SystemExit(2)
        raise problem or UserError(sentence)


def of_the_first(trainer: Any, value: T) -> T:
    """Return the first process's value in all of them; torch's XLA has no way to, and each keeps its own."""
    if trainer.data_parallel_world_size == 1 or trainer.tpu:
        return value
    first: T = distributed_utils.broadcast_object(
        value, src_rank=0, group=trainer.data_parallel_process_group, dist_device=trainer.device
    )
    return first
