"""Whether a command runs on GPUs, which several patches ask."""

from __future__ import annotations

from typing import Any


def uses_gpus(cfg: Any) -> bool:
    """Return whether there are GPUs, and the command is to use them."""
    import torch

    return torch.cuda.is_available() and not cfg.common.cpu
