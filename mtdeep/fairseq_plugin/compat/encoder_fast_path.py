"""In a fresh process fairseq's encoder layer calls a fused kernel of torch, which fails.

The kernel also skips `residual_connection`. For it every layer keeps second copies of its matrices as parameters: zero
until a checkpoint is loaded, never trained, in every checkpoint and parameter count, and without gradient, which DDP
refuses. Here the layer has neither the path nor the copies. Checkpoints with the copies load (stock 0.12.2 wrote them),
and stock 0.12.2 loads those without; only optimizer states of such runs do not fit (`--reset-optimizer`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from mtdeep.fairseq_plugin.compat.patch import uses
from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.modules.transformer_layer"
COPIES = tuple(f"{part}_{kind}" for part in ("in_proj", "out_proj", "fc1", "fc2") for kind in ("weight", "bias"))


def without_copies(original: Callable[..., None]) -> Callable[..., None]:
    """Return the constructor of a layer without the copies."""

    @wraps(original)
    def __init__(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        for name in COPIES:
            delattr(self, name)
        self.can_use_fastpath = False

    return __init__


def past_copies(original: Callable[..., None]) -> Callable[..., None]:
    """Return torch's method that loads a layer, in the place of fairseq's, which fills the copies; they are dropped."""
    from torch import nn

    @wraps(original)
    def _load_from_state_dict(self: Any, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in COPIES:
            state_dict.pop(prefix + name, None)
        nn.Module._load_from_state_dict(self, state_dict, prefix, *rest)

    return _load_from_state_dict


PATCH = replacement(
    name="encoder_fast_path",
    mends="fairseq-generate fails with 'Mask Type should be defined'; DDP with parameters that get no gradient",
    ticket="facebookresearch/fairseq#4858",
    module=MODULE,
    needed=partial(uses, MODULE, "TransformerEncoderLayerBase.forward", "_transformer_encoder_layer_fwd"),
    places={
        "TransformerEncoderLayerBase.__init__": without_copies,
        "TransformerEncoderLayerBase._load_from_state_dict": past_copies,
    },
)
