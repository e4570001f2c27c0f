"""Dropout that a processor draws quickly.

torch draws one 64-bit random number after another for each element on a CPU: with it, the dropout of a branch takes
longer than the matrix product before it (scripts/bench/cpu_kernels.py). Here four elements share one such number.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_LEVELS = 2**16


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """Set each element of x to zero with probability p and divide the others by 1 - p, in training only.

    On a CPU p is rounded to a multiple of 2^-16, and the others are divided by one minus the rounded value, so that
    the expected value is exactly x. Drawn from torch's own generator, like `torch.nn.functional.dropout`: a seed, or
    the state that activation checkpointing brings back, gives the same elements again. It can be differentiated once.
    """
    dropped = round(p * _LEVELS)
    if not training or x.device.type != "cpu" or not 0 < dropped < _LEVELS:
        return F.dropout(x, p, training)
    result: Tensor = _Dropout.apply(x, dropped)
    return result


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dropped: int) -> Tensor:
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        kept = draws.view(torch.int16)[: x.numel()].view(x.shape) >= dropped - _LEVELS // 2
        ctx.save_for_backward(kept)
        ctx.scale = _LEVELS / (_LEVELS - dropped)
        return _keep(x, kept, ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return _keep(gradients[0], kept, ctx.scale), None


def _keep(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    return torch.ops.aten.native_dropout_backward(x, kept, scale)
