"""Data workers that the garbage collector ends take 5 s to end, in the midst of whatever the process does by then.

fairseq's data loaders keep their workers for another epoch, and are part of a circle of references. Python closes the
queues of such a circle before torch tells the workers over them to end; torch then waits for them in vain, and kills.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from weakref import finalize

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.data.iterators"


class OutsideOfCircles:
    """Stands, in whatever circle there is, for what has data workers. When this is collected, that ends in order."""

    def __init__(self, original: Any) -> None:
        self._original = original
        finalize(self, release, original).atexit = False  # there torch has a way of its own


def release(original: Any) -> None:
    """Have held something to the end of a circle: it ends by itself now, with all that it needs still there."""


class Loader(OutsideOfCircles):
    """A data loader."""

    def __iter__(self) -> Batches:
        return Batches(iter(self._original))

    def __len__(self) -> int:
        return len(self._original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class Batches(OutsideOfCircles):
    """The batches that a data loader has for an epoch."""

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Any:
        return next(self._original)


def outside_of_circles(data_loader: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes data loaders that no circle of references holds."""

    @wraps(data_loader, updated=())
    def loader(*arguments: Any, **options: Any) -> Loader:
        return Loader(data_loader(*arguments, **options))

    return loader


PATCH = replacement(
    name="collected_workers",
    mends="data workers that the garbage collector ends hold the process up for 5 s",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "EpochBatchIterator._get_iterator_for_epoch", "DataLoader"),
    places={"torch.utils.data.DataLoader": outside_of_circles},
)
