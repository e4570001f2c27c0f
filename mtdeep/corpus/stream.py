"""The endless sequence of training batches, addressed by position and dealt to processes.

The sequence is a pure function of the planner's seed: batch ``index`` of pool ``pool``, then the next, for ever. A
position is all that a checkpoint has to keep, and any number of processes that together take groups of the same size
see the same groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from mtdeep.corpus.batches import Batch, BatchPlanner


@dataclass(frozen=True)
class Position:
    """A place between two batches: the next one is batch ``index`` of pool ``pool``."""

    pool: int = 0
    index: int = 0


def batches(planner: BatchPlanner, start: Position, shard: int, shards: int) -> Iterator[tuple[Position, Batch]]:
    """Yield, from *start* on, batch number *shard* of every group of *shards* batches.

    Each comes with the position behind its group, where a run that consumed the group goes on.
    """
    group: list[Batch] = []
    first = start.index
    for pool in count(start.pool):
        for index, batch in enumerate(planner.pool(pool)[first:], start=first):
            group.append(batch)
            if len(group) == shards:
                yield Position(pool, index + 1), group[shard]
                group = []
        first = 0
