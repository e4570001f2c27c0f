"""Attention by matrix products against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn.dot_product import dot_product_attention, plain_attention
from mtdeep.nn.visibility import ALL_KEYS, Visibility


def tensors(queries: int, keys: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    return (
        torch.randn(3, 2, queries, 8, dtype=torch.float64, requires_grad=True),
        torch.randn(3, 2, keys, 8, dtype=torch.float64, requires_grad=True),
        torch.randn(3, 2, keys, 8, dtype=torch.float64, requires_grad=True),
    )


def padding(keys: int) -> Tensor:
    """Return a mask (3, 1, 1, S) whose rows see all, all but two, and one key."""
    return (torch.arange(keys) < torch.tensor([keys, keys - 2, 1])[:, None])[:, None, None, :]


@pytest.mark.parametrize(
    ("queries", "keys", "masked", "causal"),
    [(5, 7, False, False), (5, 7, True, False), (6, 6, False, True), (1, 9, True, False)],
)
def test_plain_equals_torch(queries: int, keys: int, masked: bool, causal: bool) -> None:
    q, k, v = tensors(queries, keys)
    mask = padding(keys) if masked else None
    ours = plain_attention(q, k, v, Visibility(mask, causal), 0.0)
    theirs = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)
    upstream = torch.randn_like(ours)
    for a, b in zip(
        torch.autograd.grad(ours, (q, k, v), upstream), torch.autograd.grad(theirs, (q, k, v), upstream), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


def test_dropout_acts_on_the_weights() -> None:
    """With one-hot values the output is the weights: each either zero or the true one over 1 - p."""
    q, k, _ = tensors(20, 8)
    v = torch.eye(8, dtype=torch.float64).expand(3, 2, 8, 8)
    exact = plain_attention(q, k, v, ALL_KEYS, 0.0)
    dropped = plain_attention(q, k, v, ALL_KEYS, 0.25)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], exact[kept] / 0.75, rtol=1e-4, atol=0)
    assert 0.6 < kept.double().mean() < 0.9


def test_a_mask_and_causal_are_refused() -> None:
    with pytest.raises(ValueError, match="not to be given together"):
        Visibility(padding(4), causal=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("keys", [7, 300])
def test_whichever_way_is_taken_is_right(dtype: torch.dtype, keys: int) -> None:
    """bfloat16 has 8 bits: 2^-8 of values of size 3 is 0.012."""
    exact = tensors(5, keys)
    q, k, v = (x.detach().to(dtype).requires_grad_() for x in exact)
    visible = Visibility(padding(keys))
    result = dot_product_attention(q, k, v, visible, 0.0)
    truth = plain_attention(*exact, visible, 0.0)
    tolerance = 1e-5 if dtype == torch.float32 else 0.03
    torch.testing.assert_close(result.double(), truth, rtol=0, atol=tolerance)
    for a, b in zip(torch.autograd.grad(result.sum(), (q, k, v)), torch.autograd.grad(truth.sum(), exact), strict=True):
        torch.testing.assert_close(a.double(), b, rtol=tolerance, atol=tolerance)
