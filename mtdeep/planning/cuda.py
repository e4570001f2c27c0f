"""What CUDA does otherwise than a CPU, as far as it changes the memory of a step.

Nothing here was measured: it follows torch's own lists and sources (torch 2.13, `ATen/autocast_mode.h`,
`aten/src/ATen/native/transformers`). Tensors stay those of a CPU, for a torch without CUDA makes no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from mtdeep.nn import dot_product

IN_FLOAT32 = (F.layer_norm,)
"""Functions of our models that autocast computes in float32 on CUDA, and in the type of their input on a CPU."""


class AsOnCuda(TorchFunctionMode):
    """While it is on, a CPU's tensors go through what CUDA would do with them; use as a context manager.

    Autocast takes normalisations in float32. Attention with dropout keeps no scores either: the fused kernels draw the
    same random numbers again. Tensors say that they are CUDA's, for which the loss has products of float16 summed in
    float32.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]  # a descriptor, looked up on the class
            return True
        if func is F.scaled_dot_product_attention:
            kwargs["dropout_p"] = 0.0
        elif func in IN_FLOAT32 and torch.is_autocast_enabled("cpu"):
            args = tuple(map(_wide, args))
            kwargs = {name: _wide(value) for name, value in kwargs.items()}
        return func(*args, **kwargs)


def _wide(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) else value


@contextmanager
def as_on(device: str) -> Iterator[None]:
    """Let a model go the way of the device, cpu or cuda."""
    if device == "cpu":
        yield
        return
    # Only on a CPU does attention without dropout ever keep its scores.
    plain = dot_product.PLAIN_KEYS
    dot_product.PLAIN_KEYS = 0
    try:
        with AsOnCuda():
            yield
    finally:
        dot_product.PLAIN_KEYS = plain


def stay_on_cuda(layers: Iterable[nn.Module]) -> None:
    """Let layers go CUDA's way in the backward pass too, where checkpointing goes through them once more.

    A function mode takes the whole backward pass for one call, and is off in it.
    """
    for layer in layers:
        layer.forward = _as_on_cuda(layer.forward)


def _as_on_cuda(forward: Callable[..., Any]) -> Callable[..., Any]:
    def through(*inputs: Any) -> Any:
        with AsOnCuda():
            return forward(*inputs)

    return through
