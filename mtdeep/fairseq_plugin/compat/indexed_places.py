"""`fairseq-preprocess --workers 2` writes wrong places of sentences behind the first 2 GiB of a file.

What the other workers have counted is merged as numbers of 32 bits, and since numpy 2 their sum has 32 bits, too.
"""

from __future__ import annotations

import sys
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.data.indexed_dataset"


def needed() -> bool:
    """Whether a sum that begins with Python's 0 stays a number of 32 bits."""
    import numpy

    return isinstance(0 + numpy.int32(1) * 2, numpy.int32)


def apply() -> None:
    """Hand Python's own numbers, which have no end, to what adds the places up."""
    builder: Any = sys.modules[MODULE].MMapIndexedDatasetBuilder
    original = builder.finalize

    @wraps(original)
    def finalize(self: Any, index_file: str) -> None:
        self._sizes = [int(size) for size in self._sizes]
        original(self, index_file)

    builder.finalize = finalize


PATCH = Patch(
    name="indexed_places",
    mends="fairseq-preprocess with several workers loses its place behind 2 GiB",
    ticket="facebookresearch/fairseq#5532",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "MMapIndexedDatasetBuilder", "finalize"),
)
