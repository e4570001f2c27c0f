"""torch >= 2.6 reads checkpoints with `weights_only=True`, which refuses classes that fairseq's checkpoints hold.

Those of `mtdeep.checkpoint.allow_list` are put on torch's own: data, of which nothing runs. `weights_only=False` is
never used, so a checkpoint that carries code is refused by every fairseq command.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mtdeep.fairseq_plugin.compat.patch import Patch

if TYPE_CHECKING:
    from mtdeep.checkpoint.allow_list import SafeGlobal

MODULE = "fairseq"


def safe_globals() -> list[SafeGlobal]:
    """What fairseq writes into checkpoints, and into the messages between its workers, beside tensors."""
    from pkgutil import resolve_name

    from fairseq.distributed import utils as distributed_utils

    from mtdeep.checkpoint.allow_list import allow_list

    # Between workers tensors are replaced by their numbers.
    return [*allow_list(resolve_name), distributed_utils._TensorPlaceholder]


def needed() -> bool:
    """Whether `torch.load` is safe unless told otherwise."""
    import inspect

    import torch

    return inspect.signature(torch.load).parameters["weights_only"].default is not False


def apply() -> None:
    """Put the classes on torch's allow-list."""
    import torch

    torch.serialization.add_safe_globals(safe_globals())


def active() -> bool:
    """Whether the allow-list holds every class of fairseq's checkpoints."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    safe = torch.serialization.get_safe_globals()
    return all(item in safe for item in safe_globals())


PATCH = Patch(
    name="torch_load",
    mends="torch.load refuses fairseq's own checkpoints (torch >= 2.6)",
    ticket="facebookresearch/fairseq#5610",
    moment="after",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=active,
)
