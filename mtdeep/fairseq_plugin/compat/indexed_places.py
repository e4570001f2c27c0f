"""`fairseq-preprocess --workers 2` writes wrong places of sentences behind the first 2 GiB of a file.

What the other workers have counted is merged as numbers of 32 bits, and since numpy 2 their sum has 32 bits, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.data.indexed_dataset"


def needed() -> bool:
    """Whether a sum that begins with Python's 0 stays a number of 32 bits."""
    import numpy

    return isinstance(0 + numpy.int32(1) * 2, numpy.int32)


def with_unbounded_numbers(original: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    """Return what adds the places up, of Python's own numbers, which have no end."""

    @wraps(original)
    def finalize(self: Any, index_file: str) -> None:
        self._sizes = [int(size) for size in self._sizes]
        original(self, index_file)

    return finalize


PATCH = replacement(
    name="indexed_places",
    mends="fairseq-preprocess with several workers loses its place behind 2 GiB",
    ticket="facebookresearch/fairseq#5532",
    module=MODULE,
    needed=needed,
    places={"MMapIndexedDatasetBuilder.finalize": with_unbounded_numbers},
)
