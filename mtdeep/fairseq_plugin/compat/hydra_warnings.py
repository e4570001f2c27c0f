"""fairseq speaks to hydra as to version 1.0: 1.3 understands, and warns six times at every start of a command.

The warnings are for fairseq's authors; here the configuration is composed without them. Hydra 1.4 drops what it warns
of, hence `hydra-core<1.4` among our requirements.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.dataclass.utils"


def needed() -> bool:
    """Whether fairseq still goes through `hydra.experimental`."""
    return bool(sys.modules[MODULE].initialize.__module__.startswith("hydra.experimental"))


def without_warnings(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what composes configurations with warnings off."""

    @wraps(original)
    def convert_namespace_to_omegaconf(args: Any) -> Any:
        with warnings.catch_warnings(action="ignore"):
            return original(args)

    return convert_namespace_to_omegaconf


PATCH = replacement(
    name="hydra_warnings",
    mends="six deprecation warnings of hydra 1.3 at every start",
    ticket="facebookresearch/fairseq#3722",
    module=MODULE,
    needed=needed,
    places={"convert_namespace_to_omegaconf": without_warnings},
)
