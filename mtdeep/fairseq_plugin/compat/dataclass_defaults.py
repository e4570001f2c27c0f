"""fairseq's configuration classes have instances as defaults, which Python >= 3.11 refuses where they have no hash.

`@dataclass` removes `__hash__` from every class that compares by value, unless the class body has one. So each
configuration class gets one before the decorator sees it: identity, which is all that the check wants. The defaults
stay instances (upstream's `default_factory` would break `hydra_init`, which reads `field.default`).
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import Patch

MODULE = "fairseq.dataclass.configs"


def _keep_hash(cls: type) -> None:
    if "__hash__" not in cls.__dict__:
        cls.__hash__ = object.__hash__  # type: ignore[assignment]


def needed() -> bool:
    """Whether this Python refuses a default whose class has no hash."""
    return sys.version_info >= (3, 11)


def apply() -> None:
    """Hand the module about to run a `dataclass` that prepares `FairseqDataclass` when it comes by."""
    # Imported by the module itself; here first, so that none of them keeps the stand-in.
    import omegaconf  # noqa: F401
    import torch  # noqa: F401

    original = dataclasses.dataclass

    def dataclass(cls: type | None = None, /, **options: Any) -> type | Callable[[type], type]:
        if cls is not None and (cls.__module__, cls.__name__) == (MODULE, "FairseqDataclass"):
            cls.__init_subclass__ = classmethod(_keep_hash)  # type: ignore[assignment]
            dataclasses.dataclass = original
            vars(sys.modules[MODULE])["dataclass"] = original
        return original(cls, **options)

    dataclasses.dataclass = dataclass  # type: ignore[assignment]


def active() -> bool:
    """Whether fairseq's configuration classes have a hash."""
    configs: Any = sys.modules.get(MODULE)
    return hasattr(configs, "FairseqConfig") and configs.CommonConfig.__hash__ is not None


PATCH = Patch(
    name="dataclass_defaults",
    mends="ValueError: mutable default ... for field common is not allowed (Python >= 3.11)",
    ticket="facebookresearch/fairseq#5012",
    moment="before",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=active,
)
