"""A data worker that is still starting when its training is killed waits for work for ever.

torch lets a data worker end when its parent is another than at its own start. Where processes are spawned that start
takes seconds, and a training that is gone by then is no longer the parent that torch looks at.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.data.iterators"


def begin(of_dataset: Callable[[int], None] | None, worker: int) -> None:
    """Begin a data worker, by its number: end it if who started it is gone, else do what the dataset asks for."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():
        os._exit(1)
    from mtdeep.fairseq_plugin.leaving import heed_parent_alone

    heed_parent_alone()
    if of_dataset is not None:
        of_dataset(worker)


def with_watchful_workers(data_loader: Any) -> type:
    """Return the class of data loaders whose workers look for the process that started them, and heed no other."""

    class WatchfulLoader(data_loader):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options["worker_init_fn"] = partial(begin, options.get("worker_init_fn"))
            super().__init__(*arguments, **options)

        def __iter__(self) -> Any:
            from mtdeep.fairseq_plugin.leaving import deaf_children

            with deaf_children():
                return super().__iter__()

    return WatchfulLoader


PATCH = replacement(
    name="data_workers",
    mends="data workers of a training that is killed as it starts are left behind",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "EpochBatchIterator._get_iterator_for_epoch", "DataLoader"),
    places={"torch.utils.data.DataLoader": with_watchful_workers},
)
