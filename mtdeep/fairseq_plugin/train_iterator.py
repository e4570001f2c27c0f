"""Training batches as fairseq's loop wants them: virtual epochs of K updates over an endless, lazy sequence.

fairseq's own iterator lists every batch of an epoch before the first update; with thousands of directions that list
alone takes minutes and gigabytes. Here an epoch is only a number of updates, and the position in the sequence, which
the checkpoint stores, rebuilds the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Queue
from threading import Event, Thread
from typing import Any

from fairseq.data.iterators import CountingIterator, EpochBatchIterating

from mtdeep.background_threads import drain, end_before_exit
from mtdeep.corpus.batches import Batch, BatchPlanner
from mtdeep.corpus.stream import Position, batches
from mtdeep.errors import UserError

Sample = dict[str, object]
PREFETCHED = 4


class VirtualEpochIterator(EpochBatchIterating):
    """Epochs of *updates_per_epoch* updates; the order depends on the planner's seed and the position alone.

    *plan* names all that the order depends on. A position means something for the same plan only, so that another one
    is refused. An update consumes ``update_freq`` batches on each of *num_shards* processes. As long as their product
    stays the same, a run that goes on with another number of processes sees the same batches in the same updates.
    """

    def __init__(
        self,
        planner: BatchPlanner,
        collate: Callable[[Batch], Sample],
        *,
        plan: str,
        updates_per_epoch: int,
        update_freq: list[int],
        num_shards: int,
        shard_id: int,
        epoch: int = 1,
    ) -> None:
        self.planner = planner
        self.collate = collate
        self.plan = plan
        self.updates_per_epoch = updates_per_epoch
        self.update_freq = update_freq
        self.num_shards = num_shards
        self.shard_id = shard_id
        self.epoch = epoch
        self._position = Position()
        self._resumed_updates = 0
        self._iterator: CountingIterator | None = None
        self._prefetcher: Prefetcher | None = None

    def __len__(self) -> int:
        """Batches that this process takes in the current epoch."""
        return self.updates_per_epoch * self._batches_per_update()

    @property
    def next_epoch_idx(self) -> int:
        """Number, from 1, of the epoch that ``next_epoch_itr`` would start or continue."""
        return self.epoch + 1 if self._iterator is not None and self.end_of_epoch() else self.epoch

    def next_epoch_itr(
        self, shuffle: bool = True, fix_batches_to_gpus: bool = False, set_dataset_epoch: bool = True
    ) -> CountingIterator:
        """Start the next epoch, or go on with the one that a checkpoint was saved in.

        The three arguments are fairseq's; the order is always the planner's.
        """
        self.epoch = self.next_epoch_idx
        if self._prefetcher is None:
            self._prefetcher = Prefetcher(self._samples())
        consumed = self._resumed_updates * self._batches_per_update()
        self._resumed_updates = 0
        self._iterator = CountingIterator(self._hand_out(self._prefetcher), start=consumed, total=len(self))
        return self._iterator

    def end_of_epoch(self) -> bool:
        """Whether every update of the epoch was handed out."""
        return self._iterator is not None and not self._iterator.has_next()

    @property
    def iterations_in_epoch(self) -> int:
        """Batches that this process has taken in the current epoch."""
        if self._iterator is None:
            return self._resumed_updates * self._batches_per_update()
        return self._iterator.n

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the sequence, and the epoch with the updates done in it.

        fairseq itself reads ``epoch``, ``version`` and ``iterations_in_epoch``.
        """
        ended = self.end_of_epoch()
        batches = 0 if ended else self.iterations_in_epoch
        return {
            "version": 2,
            "epoch": self.epoch + 1 if ended else self.epoch,
            "iterations_in_epoch": batches,
            "updates_in_epoch": batches // self._batches_per_update(),
            "plan": self.plan,
            "pool": self._position.pool,
            "index": self._position.index,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where *state_dict* was taken; raises UserError when it belongs to another sequence of batches."""
        if state_dict.get("plan") != self.plan:
            raise UserError(
                "the checkpoint's place in the training data means nothing here, because the data or the options that "
                "order it (store, directions, sampling, pool, batch size, positions, seed) are others: restore "
                "them, or start the data anew with --reset-dataloader."
            )
        self.epoch = state_dict["epoch"]
        self._resumed_updates = state_dict["updates_in_epoch"]
        if self._resumed_updates >= self.updates_per_epoch:  # epochs have become shorter
            self.epoch, self._resumed_updates = self.epoch + 1, 0
        self._position = Position(state_dict["pool"], state_dict["index"])
        self._iterator = None
        if self._prefetcher is not None:
            self._prefetcher.stop()
            self._prefetcher = None

    def _batches_per_update(self) -> int:
        return self.update_freq[min(self.epoch, len(self.update_freq)) - 1]

    def _samples(self) -> Iterator[tuple[Position, Sample]]:
        for position, batch in batches(self.planner, self._position, self.shard_id, self.num_shards):
            yield position, self.collate(batch)

    def _hand_out(self, prefetched: Iterator[tuple[Position, Sample]]) -> Iterator[Sample]:
        for position, sample in prefetched:
            self._position = position
            yield sample


class Prefetcher:
    """Iterate over *source* in a thread, a few items ahead; an exception there is raised here."""

    def __init__(self, source: Iterator[tuple[Position, Sample]]) -> None:
        self._queue: Queue[tuple[Position, Sample] | BaseException] = Queue(PREFETCHED)
        self._stopped = Event()
        thread = Thread(target=self._fill, args=(source,), daemon=True)
        end_before_exit(thread, self._queue, self._stopped)
        thread.start()

    def _fill(self, source: Iterator[tuple[Position, Sample]]) -> None:
        try:
            for item in source:
                self._queue.put(item)
                if self._stopped.is_set():
                    return
        except BaseException as error:
            self._queue.put(error)

    def stop(self) -> None:
        """Let the thread end; what it had prepared is dropped."""
        self._stopped.set()
        drain(self._queue)

    def __iter__(self) -> Prefetcher:
        return self

    def __next__(self) -> tuple[Position, Sample]:
        item = self._queue.get()
        if isinstance(item, BaseException):
            self._queue.put(item)  # for whoever asks again: nothing else will come
            raise item
        return item
