"""Names that numpy removed and fairseq 0.12.2 still uses: np.int, np.float, np.compat.long, percentile(interpolation=).

Each module that uses one sees numpy through a stand-in with the old names; numpy itself is left alone.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mtdeep.fairseq_plugin.compat.overlay import Overlay
from mtdeep.fairseq_plugin.compat.patch import Patch
from mtdeep.fairseq_plugin.compat.replacement import replacement


class NumpyWithOldNames(Overlay):
    """numpy, with the four removed names as they were."""

    int = int
    float = float
    compat = SimpleNamespace(long=int)

    def percentile(self, values: Any, q: Any, *, interpolation: str) -> Any:
        """`numpy.percentile`, whose `method` was called `interpolation`."""
        return self._original.percentile(values, q, method=interpolation)


def needed() -> bool:
    """Return whether numpy has removed the names."""
    import numpy

    return not hasattr(numpy, "int")


def _patch(module: str, mends: str) -> Patch:
    return replacement(
        name=f"numpy_aliases ({module.rpartition('.')[2]})",
        mends=mends,
        ticket="facebookresearch/fairseq#4945",
        module=module,
        needed=needed,
        places={"np": NumpyWithOldNames},
    )


PATCHES = (
    _patch("fairseq.data.data_utils", "np.int in span masks; np.percentile(interpolation=) in --num-batch-buckets"),
    _patch("fairseq.data.language_pair_dataset", "np.compat.long in --num-batch-buckets"),
    _patch("fairseq.data.token_block_dataset", "np.compat.long in --sample-break-mode eos"),
    _patch("fairseq.modules.dynamic_crf_layer", "np.float in the CRF of non-autoregressive models"),
)
