"""A gradient that is not finite ends a training with `StopIteration`, amid the search for where it came from.

fairseq looks for it with a backward hook on every module, and torch wants a tensor in what such a module returns: an
encoder returns a dictionary of lists. Here modules that have others inside are looked at going forward alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.nan_detector"


def of_leaves_backward(original: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Return what hooks a module, going backward only where it has no others inside."""

    @wraps(original)
    def add_hooks(self: Any, module: Any) -> None:
        backward, self.backward = self.backward, self.backward and not any(module.children())
        original(self, module)
        self.backward = backward

    return add_hooks


PATCH = replacement(
    name="nan_detector",
    mends="a gradient that is not finite ends a training with StopIteration",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/nan_detector.py (no thread found)",
    module=MODULE,
    needed=partial(uses, MODULE, "NanDetector.add_hooks", "register_backward_hook"),
    places={"NanDetector.add_hooks": of_leaves_backward},
)
