"""fairseq speaks to hydra as to version 1.0: 1.3 understands, and warns six times at every start of a command.

The warnings are for fairseq's authors; here the configuration is composed without them. Hydra 1.4 drops what it warns
of, hence `hydra-core<1.4` among our requirements.
"""

from __future__ import annotations

import sys
import warnings
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch, is_ours

MODULE = "fairseq.dataclass.utils"


def needed() -> bool:
    """Whether fairseq still goes through `hydra.experimental`."""
    return bool(sys.modules[MODULE].initialize.__module__.startswith("hydra.experimental"))


def apply() -> None:
    """Compose configurations with warnings off."""
    module: Any = sys.modules[MODULE]
    original = module.convert_namespace_to_omegaconf

    @wraps(original)
    def convert_namespace_to_omegaconf(args: Any) -> Any:
        with warnings.catch_warnings(action="ignore"):
            return original(args)

    module.convert_namespace_to_omegaconf = convert_namespace_to_omegaconf


PATCH = Patch(
    name="hydra_warnings",
    mends="six deprecation warnings of hydra 1.3 at every start",
    ticket="facebookresearch/fairseq#3722",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=partial(is_ours, MODULE, "convert_namespace_to_omegaconf"),
)
