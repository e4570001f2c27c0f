"""Names that numpy removed and fairseq 0.12.2 still uses: np.int, np.float, np.compat.long, percentile(interpolation=).

Each module that uses one sees numpy through a stand-in with the old names; numpy itself is left alone.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch


class NumpyWithOldNames:
    """numpy, with the four removed names as they were."""

    int = int
    float = float
    compat = SimpleNamespace(long=int)

    def __getattr__(self, name: str) -> Any:
        import numpy

        return getattr(numpy, name)

    def percentile(self, values: Any, q: Any, *, interpolation: str) -> Any:
        """`numpy.percentile`, whose `method` was called `interpolation`."""
        import numpy

        return numpy.percentile(values, q, method=interpolation)  # type: ignore[call-overload]


def _patch(module: str, mends: str) -> Patch:
    def needed() -> bool:
        import numpy

        return not hasattr(numpy, "int")

    def apply() -> None:
        sys.modules[module].np = NumpyWithOldNames()  # type: ignore[attr-defined]

    def active() -> bool:
        loaded: Any = sys.modules.get(module)
        return loaded is not None and hasattr(loaded, "np") and isinstance(loaded.np, NumpyWithOldNames)

    return Patch(
        name=f"numpy_aliases ({module.rpartition('.')[2]})",
        mends=mends,
        ticket="facebookresearch/fairseq#4945",
        moment="after",
        module=module,
        needed=needed,
        apply=apply,
        active=active,
    )


PATCHES = (
    _patch("fairseq.data.data_utils", "np.int in span masks; np.percentile(interpolation=) in --num-batch-buckets"),
    _patch("fairseq.data.language_pair_dataset", "np.compat.long in --num-batch-buckets"),
    _patch("fairseq.data.token_block_dataset", "np.compat.long in --sample-break-mode eos"),
    _patch("fairseq.modules.dynamic_crf_layer", "np.float in the CRF of non-autoregressive models"),
)
