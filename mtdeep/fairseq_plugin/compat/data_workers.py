"""A data worker that is still starting when its training is killed waits for work for ever.

torch lets a data worker end when its parent is another than at its own start. Where processes are spawned that start
takes seconds, and a training that is gone by then is no longer the parent that torch looks at.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from mtdeep.fairseq_plugin.compat.overlay import Overlay
from mtdeep.fairseq_plugin.compat.patch import Patch

MODULE = "fairseq.data.iterators"


def begin(of_dataset: Callable[[int], None] | None, worker: int) -> None:
    """Begin a data worker, by its number: end it if who started it is gone, else do what the dataset asks for."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():
        os._exit(1)
    if of_dataset is not None:
        of_dataset(worker)


class Loaders:
    """Makes torch's data loaders, whose workers look for the process that started them."""

    def __init__(self, data_loader: Any) -> None:
        self._data_loader = data_loader

    def __call__(self, dataset: Any, **options: Any) -> Any:
        """Return a data loader."""
        options["worker_init_fn"] = partial(begin, options.get("worker_init_fn"))
        return self._data_loader(dataset, **options)


def needed() -> bool:
    """Return whether fairseq's iterators still make torch's data loaders themselves."""
    return "DataLoader" in sys.modules[MODULE].EpochBatchIterator._get_iterator_for_epoch.__code__.co_names


def apply() -> None:
    """Show that module a torch whose data loaders are made here."""
    module: Any = sys.modules[MODULE]
    utils = module.torch.utils
    data = Overlay(utils.data, DataLoader=Loaders(utils.data.DataLoader))
    module.torch = Overlay(module.torch, utils=Overlay(utils, data=data))


def active() -> bool:
    """Return whether the module sees a torch whose data loaders are made here."""
    module: Any = sys.modules.get(MODULE)
    return module is not None and isinstance(module.torch.utils.data.DataLoader, Loaders)


PATCH = Patch(
    name="data_workers",
    mends="data workers of a training that is killed as it starts are left behind",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=active,
)
