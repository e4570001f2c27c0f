"""The parts of a Transformer in a few lines of torch, from the names of fairseq's weights: to compare with."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Weights = dict[str, Tensor]


def norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def linear(x: Tensor, weights: Weights, name: str) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int, causal: bool = False) -> Tensor:
    """Heads one after the other; returns them side by side."""
    found = []
    for q_h, k_h, v_h in zip(q.chunk(heads, -1), k.chunk(heads, -1), v.chunk(heads, -1), strict=True):
        scores = q_h @ k_h.transpose(1, 2) / q_h.size(-1) ** 0.5
        if causal:
            scores = scores + torch.full_like(scores, float("-inf")).triu(1)
        found.append(scores.softmax(-1) @ v_h)
    return torch.cat(found, dim=-1)


def weights_of(layer: nn.Module) -> Weights:
    return dict(layer.named_parameters())
