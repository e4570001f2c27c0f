"""Dropout against its definition."""

from __future__ import annotations

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from mtdeep.nn.dropout import dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(1000, 301), (7, 1, 40_003)])
def test_share_of_zeros_and_scale(p: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    x = torch.ones(shape, dtype=torch.float64)
    y = dropout(x, p, True)
    kept = y != 0
    n = x.numel()
    assert abs(kept.double().mean() - (1 - p)) < 4 * (p * (1 - p) / n) ** 0.5 + 2**-17
    # p is a multiple of 2^-16, and the factor belongs to that multiple.
    assert torch.all(y[kept] == 1 / (1 - round(p * 2**16) / 2**16))


def test_elements_are_independent() -> None:
    """Four elements come from one 64-bit draw: neighbours at distance 1 to 4 must not know of each other."""
    torch.manual_seed(2)
    dropped = (dropout(torch.ones(400_000), 0.1, True) == 0).double() - 0.1
    for distance in (1, 2, 3, 4):
        correlation = (dropped[:-distance] * dropped[distance:]).mean() / (0.1 * 0.9)
        assert abs(correlation) < 4 / 400_000**0.5


def test_gradient_passes_where_the_value_did() -> None:
    torch.manual_seed(3)
    x = torch.randn(50, 30, dtype=torch.float64, requires_grad=True)
    y = dropout(x, 0.3, True)
    upstream = torch.randn_like(y)
    (gradient,) = torch.autograd.grad(y, x, upstream)
    torch.testing.assert_close(gradient, upstream * (y / x).detach(), rtol=1e-14, atol=0)


def test_seed_decides() -> None:
    x = torch.randn(100, 7)
    torch.manual_seed(4)
    first, second = dropout(x, 0.2, True), dropout(x, 0.2, True)
    torch.manual_seed(4)
    assert torch.equal(first, dropout(x, 0.2, True))
    assert not torch.equal(first, second)


def test_activation_checkpointing_draws_the_same_elements_again() -> None:
    x = torch.randn(100, 7, requires_grad=True)
    torch.manual_seed(5)
    (plain,) = torch.autograd.grad(dropout(x, 0.2, True).square().sum(), x)
    torch.manual_seed(5)
    recomputed = checkpoint(lambda x: dropout(x, 0.2, True).square().sum(), x, use_reentrant=False)
    assert torch.equal(plain, torch.autograd.grad(recomputed, x)[0])


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (0.3, False), (1e-6, True)])
def test_nothing_to_do_returns_the_input(p: float, training: bool) -> None:
    x = torch.randn(10)
    torch.testing.assert_close(dropout(x, p, training), x, rtol=1e-5, atol=0)


def test_one_drops_everything() -> None:
    assert torch.equal(dropout(torch.ones(10), 1.0, True), torch.zeros(10))


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_impossible_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="dropout probability"):
        dropout(torch.ones(10), p, True)


def test_empty() -> None:
    assert dropout(torch.ones(0, 5), 0.1, True).shape == (0, 5)
