"""Label-smoothed cross-entropy without the matrix of logits.

Shapes: T target tokens, n tokens of one chunk, D width, V vocabulary. The matrix (T, V) of logits, its
log-probabilities and its gradient would be most of a training step's memory; here one chunk of tokens after another is
projected, scored and turned into gradients, and only (T, D) and (V, D) outlive the chunk, both in float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mtdeep.nn.autocast import product_dtype

# float16 has no normal numbers below 6e-5, less than most of a softmax. Raised by this power of two, its probabilities
# keep their digits down to 4e-9, and 1 stays below float16's largest number.
_HALF_RAISE = 2.0**14

DEFAULT_CHUNK = 512
"""Tokens projected to the vocabulary at a time."""


def linear_cross_entropy(
    features: Tensor,
    weight: Tensor,
    target: Tensor,
    *,
    label_smoothing: float,
    padding_idx: int,
    chunk: int = DEFAULT_CHUNK,
) -> tuple[Tensor, Tensor]:
    """Return (loss_sum, nll_sum), two scalars summed over the tokens that are not padding, in nats.

    features (T, D), weight (V, D), target (T,). With p = softmax(features weight') and eps = label_smoothing,
    loss = (1 - eps - eps_i) nll + eps_i sum_v(-log p_v), eps_i = eps / (V - 1): fairseq 0.12.2's
    `label_smoothed_nll_loss` with reduce=True and ignore_index=padding_idx. nll_sum has no gradient.

    Matrix products run in autocast's type where autocast is on; softmax and sums in float32 (float64 for float64).
    Gradients are made in the forward pass, while the chunk's logits are at hand, and kept in float32; backward
    multiplies them by the gradient that arrives, a loss scale for one, and only then rounds them to the types of
    features and weight. Where no gradient is wanted, none is computed.
    Raises ValueError when chunk is below one.
    """
    if chunk < 1:
        raise ValueError(f"chunk {chunk} is below one token")
    device = features.device.type
    every = label_smoothing / (weight.size(0) - 1)
    terms = _Terms(1.0 - label_smoothing - every, every, padding_idx, chunk, product_dtype(features))
    with torch.autocast(device, enabled=False):
        if torch.is_grad_enabled() and (features.requires_grad or weight.requires_grad):
            loss, nll = _LinearCrossEntropy.apply(features, weight, target, terms)
        else:
            loss, nll, _, _ = _score(features.detach(), weight.detach(), target, terms, (False, False))
    return loss, nll


@dataclass(frozen=True)
class _Terms:
    """loss = true * nll + every * sum_v(-log p_v), and how to compute it; true + every * V is 1."""

    true: float
    every: float
    padding_idx: int
    chunk: int
    compute: torch.dtype


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, target: Tensor, terms: _Terms) -> tuple[Tensor, Tensor]:
        needs = (ctx.needs_input_grad[0], ctx.needs_input_grad[1])
        loss, nll, grad_features, grad_weight = _score(features, weight, target, terms, needs)
        ctx.save_for_backward(grad_features, grad_weight)
        ctx.dtypes = (features.dtype, weight.dtype)
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        grad_features, grad_weight = (
            None if gradient is None else _scaled(gradient, grad_outputs[0], dtype)
            for gradient, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        )
        return grad_features, grad_weight, None, None


def _scaled(gradient: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    # Looking at the scale is free on the CPU, and a copy of (V, D) is not; elsewhere looking would wait for the device.
    if scale.device.type == "cpu" and scale.item() == 1.0:
        return gradient.to(dtype)
    return torch.mul(gradient, scale, out=torch.empty_like(gradient, dtype=dtype))


def _score(
    features: Tensor, weight: Tensor, target: Tensor, terms: _Terms, needs: tuple[bool, bool]
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Return loss_sum, nll_sum and the gradients of loss_sum by features and weight, those that are needed.

    By the logits it is p - every - true * onehot(target). The constant `every` stays out of the matrices (n, V):
    in the gradients it is a matrix of rank one, and in the loss a product with the sum of the weight's rows.
    """
    real = target.ne(terms.padding_idx)
    padded = not bool(real.all())
    x, t = (features[real], target[real]) if padded else (features, target)
    exact = torch.promote_types(x.dtype, torch.float32)
    w = weight.to(terms.compute)
    row_sum = weight.sum(0, dtype=exact)
    grad_x = torch.empty_like(x, dtype=exact) if needs[0] else None
    grad_w = torch.zeros_like(weight, dtype=exact) if needs[1] else None

    nll = torch.zeros((), dtype=exact, device=x.device)
    log_normaliser = torch.zeros_like(nll)
    for part, logits, log_p in _chunks(x.to(terms.compute), w, terms, exact):
        at_target = t[part, None]
        chunk_nll = -log_p.gather(1, at_target)
        nll += chunk_nll.sum()
        log_normaliser += (chunk_nll + logits.gather(1, at_target)).sum()
        if needs[0] or needs[1]:
            p = log_p.exp_()
            p.scatter_add_(1, at_target, p.new_full((1, 1), -terms.true).expand_as(at_target))
            raised = _HALF_RAISE if terms.compute == torch.float16 else 1.0
            by_logits = p if p.dtype == terms.compute else logits.copy_(p if raised == 1.0 else p.mul_(raised))
            _add_gradients(by_logits, raised, x[part], w, part, grad_x, grad_w)

    x_sum = x.sum(0, dtype=exact)
    if grad_x is not None:
        grad_x -= terms.every * row_sum
        if padded:
            grad_x = torch.zeros_like(features, dtype=exact).masked_scatter_(real[:, None], grad_x)
    if grad_w is not None:
        grad_w -= terms.every * x_sum
    loss = terms.true * nll + terms.every * (weight.size(0) * log_normaliser - x_sum @ row_sum)
    return loss, nll, grad_x, grad_w


def _chunks(x: Tensor, w: Tensor, terms: _Terms, exact: torch.dtype) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Yield for each chunk of x (T, D) its place in x, its logits and its log-probabilities, each (n, V).

    All chunks share two buffers, which the caller may overwrite: fresh memory for each costs as much as a softmax.
    """
    tokens, vocabulary_size = x.size(0), w.size(0)
    # Chunks of equal size: one token left over would cost as much traffic through the weight as a full chunk.
    size = math.ceil(tokens / max(1, math.ceil(tokens / terms.chunk)))
    logits_buffer = x.new_empty(size, vocabulary_size)
    log_p_buffer = x.new_empty(size, vocabulary_size, dtype=exact)
    for start in range(0, tokens, max(1, size)):
        part = slice(start, min(start + size, tokens))
        n = part.stop - part.start
        logits = torch.mm(x[part], w.t(), out=logits_buffer[:n])
        yield part, logits, torch.log_softmax(logits, -1, dtype=exact, out=log_p_buffer[:n])


def _add_gradients(
    by_logits: Tensor,
    raised: float,
    x: Tensor,
    w: Tensor,
    part: slice,
    grad_x: Tensor | None,
    grad_w: Tensor | None,
) -> None:
    """Carry one chunk's gradient by the logits (n, V), `raised` times what it is, to rows of grad_x and all of grad_w.

    grad_x and grad_w are float32 at least.
    """
    if grad_x is not None:
        grad_x[part] = _product(by_logits, w, grad_x.dtype)
        if raised != 1.0:
            grad_x[part] /= raised
    if grad_w is not None and grad_w.dtype == by_logits.dtype:
        grad_w.addmm_(by_logits.t(), x)
    elif grad_w is not None:
        grad_w.add_(_product(by_logits.t(), x.to(by_logits.dtype), grad_w.dtype), alpha=1.0 / raised)


def _product(a: Tensor, b: Tensor, exact: torch.dtype) -> Tensor:
    """Return a @ b; of float16 in the type `exact`, since a sum over tokens or words may exceed 65504."""
    if a.dtype != torch.float16:
        return a @ b
    if a.is_cuda:
        return torch.mm(a, b, out_dtype=exact)
    return a.to(exact) @ b.to(exact)
