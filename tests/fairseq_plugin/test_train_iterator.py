"""The order of training batches: exact after a resume, the same for any number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fairseq.data.iterators import GroupedIterator

from mtdeep.corpus import BatchPlanner, Schedule, Store, available, direction_probabilities, direction_views
from mtdeep.corpus.batches import Batch
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.train_iterator import VirtualEpochIterator

Key = tuple[tuple[int, int], ...]


@pytest.fixture
def planner(toy_store: Path) -> BatchPlanner:
    store = Store(toy_store)
    views = direction_views(store, "train", available(store, "train"))
    counts = np.array([len(view) for view in views])
    schedule = Schedule(counts, direction_probabilities(counts, 5.0), 300, seed=3)
    return BatchPlanner(
        views, schedule, max_tokens=200, max_sentences=None, seed=3, max_source_positions=64, max_target_positions=64
    )


def identity(batch: Batch) -> Key:
    return tuple(zip(batch.direction.tolist(), batch.row.tolist(), strict=True))


def iterator(
    planner: BatchPlanner, shards: int = 1, shard: int = 0, update_freq: int = 1, epoch: int = 7
) -> VirtualEpochIterator:
    return VirtualEpochIterator(
        planner,
        identity,
        plan="p",
        updates_per_epoch=epoch,
        update_freq=[update_freq],
        num_shards=shards,
        shard_id=shard,
    )


def updates(epochs: VirtualEpochIterator, update_freq: int = 1) -> Iterator[list[Key]]:
    """The batches of one update after the other, as fairseq's loop draws them."""
    while True:
        yield from GroupedIterator(epochs.next_epoch_itr(), update_freq)


def test_an_epoch_is_its_number_of_updates(planner: BatchPlanner) -> None:
    epochs = iterator(planner, update_freq=2)
    assert len(list(GroupedIterator(epochs.next_epoch_itr(), 2))) == 7
    assert epochs.end_of_epoch()
    assert epochs.next_epoch_idx == 2
    assert epochs.iterations_in_epoch == 14


def test_epochs_go_on_where_the_last_one_ended(planner: BatchPlanner) -> None:
    flat = [batch for p in range(3) for batch in planner.pool(p)]
    stream = updates(iterator(planner))
    assert [next(stream)[0] for _ in flat] == [identity(batch) for batch in flat]


@pytest.mark.parametrize("done", [1, 7, 18])
def test_resume_is_exact(planner: BatchPlanner, done: int) -> None:
    epochs = iterator(planner)
    stream = updates(epochs)
    for _ in range(done):
        next(stream)
    resumed = iterator(planner)
    resumed.load_state_dict(epochs.state_dict())
    again = updates(resumed)
    assert [next(again) for _ in range(20)] == [next(stream) for _ in range(20)]
    assert resumed.state_dict() == epochs.state_dict()


def test_the_state_can_be_saved_again_before_anything_is_drawn(planner: BatchPlanner) -> None:
    epochs = iterator(planner)
    stream = updates(epochs)
    for _ in range(3):
        next(stream)
    resumed = iterator(planner)
    resumed.load_state_dict(epochs.state_dict())
    assert resumed.state_dict() == epochs.state_dict()


@pytest.mark.parametrize("epoch", [3, 5, 50])
def test_resume_with_epochs_of_another_length_goes_on_with_the_same_batches(planner: BatchPlanner, epoch: int) -> None:
    epochs = iterator(planner)
    stream = updates(epochs)
    for _ in range(4):
        next(stream)
    resumed = iterator(planner, epoch=epoch)
    resumed.load_state_dict(epochs.state_dict())
    again = updates(resumed)
    assert [next(again) for _ in range(20)] == [next(stream) for _ in range(20)]


@pytest.mark.parametrize("state", [{"plan": "another"}, {"epoch": 3, "iterations_in_epoch": 4}])
def test_a_place_in_other_data_is_refused(planner: BatchPlanner, state: dict[str, object]) -> None:
    """Other data or order, or the state of one of fairseq's own iterators."""
    with pytest.raises(UserError, match="--reset-dataloader"):
        iterator(planner).load_state_dict(state)


def test_the_global_batch_does_not_depend_on_the_number_of_processes(planner: BatchPlanner) -> None:
    """4 x 1, 2 x 2 and 1 x 4 (processes x batches an update) see the same updates, across a resume too."""
    seen: list[list[set[Key]]] = []
    for shards, update_freq in ((1, 4), (2, 2), (4, 1)):
        ranks = [updates(iterator(planner, shards, shard, update_freq), update_freq) for shard in range(shards)]
        seen.append([{batch for rank in ranks for batch in next(rank)} for _ in range(10)])
    assert seen[0] == seen[1] == seen[2]

    single = iterator(planner, update_freq=4)
    stream = updates(single, 4)
    for _ in range(5):
        next(stream)
    pair = [iterator(planner, 2, shard, 2) for shard in range(2)]
    for rank in pair:
        rank.load_state_dict(single.state_dict())
    resumed = [updates(rank, 2) for rank in pair]
    assert [{b for rank in resumed for b in next(rank)} for _ in range(5)] == seen[0][5:]


def test_an_error_while_collating_reaches_the_loop(planner: BatchPlanner) -> None:
    def broken(batch: Batch) -> Key:
        raise OSError("disk gone")

    epochs = VirtualEpochIterator(
        planner, broken, plan="p", updates_per_epoch=3, update_freq=[1], num_shards=1, shard_id=0
    )
    with pytest.raises(OSError, match="disk gone"):
        list(epochs.next_epoch_itr())
