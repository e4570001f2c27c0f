"""Rotary positions against complex numbers (arXiv 2104.09864, equation 12 and section 3.2.2)."""

from __future__ import annotations

import pytest
import torch

from mtdeep.nn.rotary import Rotary

HEAD = 8


def test_against_complex_numbers() -> None:
    """Dimensions i and i + hd/2 are one complex number, turned by exp(i p theta)."""
    x = torch.randn(2, 3, 7, HEAD, dtype=torch.float64)
    theta = torch.tensor([10000 ** (-2 * i / HEAD) for i in range(HEAD // 2)], dtype=torch.float64)
    angles = torch.arange(4, 11, dtype=torch.float64)[:, None] * theta
    turned = torch.complex(x[..., : HEAD // 2], x[..., HEAD // 2 :]) * torch.polar(torch.ones_like(angles), angles)
    expected = torch.cat([turned.real, turned.imag], dim=-1)
    torch.testing.assert_close(Rotary(HEAD)(x, 4), expected, rtol=0, atol=1e-12)


def test_scores_depend_on_differences_alone() -> None:
    rotary = Rotary(HEAD)
    q, k = torch.randn(2, 1, 1, 5, HEAD, dtype=torch.float64)
    scores = rotary(q, 0) @ rotary(k, 0).transpose(2, 3)
    torch.testing.assert_close(rotary(q, 300) @ rotary(k, 300).transpose(2, 3), scores, rtol=0, atol=1e-11)
    assert (scores - q @ k.transpose(2, 3)).abs().max() > 0.1
    torch.testing.assert_close(scores.diagonal(dim1=2, dim2=3), (q * k).sum(-1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_coarse_types_are_turned_in_float32(dtype: torch.dtype) -> None:
    x = torch.randn(1, 2, 600, HEAD).to(dtype)
    found = Rotary(HEAD)(x, 0)
    assert found.dtype == dtype
    torch.testing.assert_close(found, Rotary(HEAD)(x.float(), 0).to(dtype), rtol=0, atol=0)
