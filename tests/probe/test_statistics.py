"""Statistics of states against matrices whose kernel, rank and spread are known by construction."""

from __future__ import annotations

import math

import pytest
import torch

from mtdeep.probe import statistics

ALL = torch.ones(2, 4, dtype=torch.bool)


def sigma(states: torch.Tensor, real: torch.Tensor = ALL) -> torch.Tensor:
    return statistics.kernel(states, real)


def test_equal_tokens_have_rank_one_and_cosine_one() -> None:
    states = torch.randn(2, 1, 8).expand(2, 4, 8) * torch.tensor([1.0, 2.0, 0.5, 3.0])[:, None]
    assert statistics.kernel_cosine(sigma(states), ALL) == pytest.approx(1.0)
    assert statistics.effective_rank(sigma(states), ALL) == pytest.approx(1 / 4)


def test_orthogonal_tokens_have_full_rank_and_cosine_zero() -> None:
    states = torch.eye(8)[torch.tensor([[0, 1, 2, 3], [4, 5, 6, 7]])]
    assert statistics.kernel_cosine(sigma(states), ALL) == pytest.approx(0.0)
    assert statistics.effective_rank(sigma(states), ALL) == pytest.approx(1.0)


def test_two_pairs_of_equal_tokens() -> None:
    """Eigenvalues 2, 2, 0, 0: an effective rank of 2 of 4; 2 of the 6 pairs have a cosine of 1."""
    states = torch.eye(8)[torch.tensor([[0, 0, 1, 1], [2, 3, 3, 2]])]
    assert statistics.effective_rank(sigma(states), ALL) == pytest.approx(0.5)
    assert statistics.kernel_cosine(sigma(states), ALL) == pytest.approx(1 / 3)


def test_uniform_kernel_has_the_rank_of_its_eigenvalues() -> None:
    """(1 - rho) I + rho 11' has eigenvalues 1 + (T - 1) rho, once, and 1 - rho, T - 1 times."""
    rho, length = 0.6, 4
    uniform = ((1 - rho) * torch.eye(length) + rho).double().expand(2, length, length)
    p = torch.tensor([1 + (length - 1) * rho, *[1 - rho] * (length - 1)]) / length
    assert statistics.effective_rank(uniform, ALL) == pytest.approx(math.exp(-float((p * p.log()).sum())) / length)
    assert statistics.kernel_cosine(uniform, ALL) == pytest.approx(rho)


def test_padding_counts_nowhere() -> None:
    torch.manual_seed(1)
    states, real = torch.randn(2, 4, 8), torch.tensor([[True, True, True, False], [True, True, False, False]])
    other = states.masked_fill(~real[:, :, None], 1e3)
    for number in (statistics.rms, statistics.spread, statistics.token_norm):
        assert number(states, real) == number(other, real)
    assert statistics.cosine(states, -2 * other, real) == pytest.approx(-1.0)
    for of_kernel in (statistics.effective_rank, statistics.kernel_cosine):
        alone = [(states[i : i + 1, :length], ALL[:1, :length]) for i, length in ((0, 3), (1, 2))]
        expected = sum(of_kernel(sigma(*sentence), sentence[1]) for sentence in alone) / 2
        assert of_kernel(sigma(other, real), real) == pytest.approx(expected)


def test_size_and_spread() -> None:
    """Tokens at 3 + 1 and 3 - 1 in every dimension: a spread of 1, a size of sqrt(10)."""
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0])
    states = (3 + signs)[None, :, None].expand(2, 4, 8)
    assert statistics.spread(states, ALL) == pytest.approx(1.0)
    assert statistics.rms(states, ALL) == pytest.approx(math.sqrt(10))
    assert statistics.token_norm(states, ALL) == pytest.approx((math.sqrt(8 * 16) + math.sqrt(8 * 4)) / 2)


def test_half_precision_is_summed_in_float32() -> None:
    """In float16 the square of 300 is infinite."""
    states = torch.full((2, 4, 8), 300.0, dtype=torch.float16)
    assert statistics.rms(states, ALL) == pytest.approx(300.0)


def test_what_is_not_finite_has_no_rank() -> None:
    states = torch.full((2, 4, 8), math.nan)
    assert math.isnan(statistics.effective_rank(sigma(states), ALL))
    assert math.isnan(statistics.rms(states, ALL))


def test_single_tokens_have_no_pairs() -> None:
    real = torch.tensor([[True, False, False, False]] * 2)
    assert math.isnan(statistics.kernel_cosine(sigma(torch.randn(2, 4, 8), real), real))
