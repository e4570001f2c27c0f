"""Data workers that the garbage collector ends take 5 s to end, in the midst of whatever the process does by then.

fairseq's iterators keep their workers for another epoch, and are a circle of references: what orders their batches is
a method of their own. Python closes the queues of a circle before torch tells the workers over them to end; torch then
waits for them in vain, and kills them. Without the circle they end at once where nobody needs them any more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from weakref import WeakMethod

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.data.iterators"


def not_holding_whose_method(original: Callable[..., None]) -> Callable[..., None]:
    """Return the constructor of a sampler that does not hold the iterator whose method orders its batches."""

    @wraps(original)
    def init(self: Any, ordered_batches: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        method = WeakMethod(ordered_batches)

        def ordered(*arguments: Any) -> Any:
            still_there = method()
            assert still_there is not None  # it alone asks for another order
            return still_there(*arguments)

        original(self, ordered, *arguments, **options)

    return init


PATCH = replacement(
    name="collected_workers",
    mends="data workers that the garbage collector ends hold the process up for 5 s",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/data/iterators.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "FrozenBatchSampler.__init__", "ordered_batches"),
    places={"FrozenBatchSampler.__init__": not_holding_whose_method},
)
