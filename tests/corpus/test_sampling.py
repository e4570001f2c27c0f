"""Shares of directions: against the papers' formulas, and against UniMax's algorithm written out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtdeep.corpus import direction_probabilities
from mtdeep.corpus.sampling import Capped, Temperature, unimax
from mtdeep.errors import UserError


def test_probabilities_against_the_formula() -> None:
    """p ~ n^(1/T): 16 and 81 examples at T = 4 are as 2 to 3; T = 1 is proportional, T = infinity uniform."""
    counts = np.array([16, 81, 0])
    assert direction_probabilities(counts, 4.0) == pytest.approx([2 / 5, 3 / 5, 0])
    assert direction_probabilities(counts, 1.0) == pytest.approx([16 / 97, 81 / 97, 0])
    assert direction_probabilities(counts, np.inf) == pytest.approx([1 / 2, 1 / 2, 0])
    assert direction_probabilities(np.array([10**12, 1]), 0.1)[0] == pytest.approx(1)


@pytest.mark.parametrize(("counts", "temperature"), [([1], 0.0), ([1], -1.0), ([0, 0], 1.0), ([1], np.nan)])
def test_bad_probabilities(counts: list[int], temperature: float) -> None:
    """No share can be given."""
    with pytest.raises(ValueError, match=r"temperature|no direction"):
        direction_probabilities(np.array(counts), temperature)


def algorithm_1(c: list[int], N: int, B: int) -> list[Fraction]:
    """UniMax as Chung et al. 2023 write it, in exact fractions: the languages one by one, the smallest first."""
    U = [Fraction(0)] * len(c)
    left = Fraction(B)
    for i, language in enumerate(sorted(range(len(c)), key=c.__getitem__)):
        b = left / (len(c) - i)
        U[language] = Fraction(c[language] * N) if b > c[language] * N else b
        left -= U[language]
    return [u / sum(U) for u in U]


@st.composite
def budgets(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """Sizes c, epochs N, and a budget B that N epochs can fill."""
    c = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
    epochs = draw(st.integers(1, 50))
    return c, epochs, draw(st.integers(1, epochs * sum(c)))


@settings(max_examples=60, deadline=None)
@given(budgets())
def test_unimax_is_the_papers_algorithm(case: tuple[list[int], int, int]) -> None:
    """The closed form gives what the loop gives."""
    c, epochs, budget = case
    found = unimax(epochs, budget).shares([""] * len(c), np.array(c, float), np.array(c, float))
    assert found == pytest.approx([float(p) for p in algorithm_1(c, epochs, budget)], rel=1e-9)


def test_unimax_against_another_implementation() -> None:
    """The example that the package unimax-sampling prints on its page: two languages at four epochs, three even."""
    c = np.array([179955884499, 184595788282, 42541080893, 10027573389, 549707867], dtype=float)
    printed = [0.27692116663466665, 0.27692116663466665, 0.2769211666346667, 0.160441174224, 0.008795325872]
    assert unimax(4, 250_000_000_000).shares([""] * 5, c, c) == pytest.approx(printed, abs=1e-11)


@settings(max_examples=60, deadline=None)
@given(budgets(), st.sampled_from([0.7, 1.0, 2.0, 5.0, np.inf]))
def test_capped_shares(case: tuple[list[int], int, int], temperature: float) -> None:
    """All of B is drawn; none is above N epochs; the others stand as by temperature, and would not fill their cap."""
    c, epochs, budget = case
    sizes = np.array(c, float)
    p = Capped(temperature, epochs, budget).shares([""] * len(c), sizes, sizes)
    assert p.sum() == pytest.approx(1)
    draws, cap = p * budget, epochs * sizes
    assert np.all(draws <= cap * (1 + 1e-12))
    below = draws < cap * (1 - 1e-9)
    by_temperature = direction_probabilities(sizes, temperature)
    rate = p / by_temperature
    if below.any():
        # One rate for all below their cap, and at this rate those at the cap would be above it.
        assert rate[below] == pytest.approx(rate[below][0], rel=1e-9)
        assert np.all(rate[~below] <= rate[below][0] * (1 + 1e-9))


def test_without_need_of_a_cap_capped_is_temperature() -> None:
    """Nothing is near three epochs."""
    c = np.array([100.0, 400.0, 0.0])
    assert Capped(2.0, 3, 300).shares([""] * 3, c, c) == pytest.approx(Temperature(2.0).shares([""] * 3, c, c))
    assert Capped(2.0, 3, 300).shares([""] * 3, c, c) == pytest.approx([1 / 3, 2 / 3, 0])


def test_a_budget_that_cannot_be_drawn_is_refused() -> None:
    """Two epochs of 500 examples are 1,000 draws, and no more."""
    c = np.array([100.0, 400.0])
    assert unimax(2, 1000).shares([""] * 2, c, c) == pytest.approx([0.2, 0.8])
    with pytest.raises(UserError, match=r"--sampling-budget 1,001 is more than --sampling-max-epochs 2 .* 1,000"):
        unimax(2, 1001).shares([""] * 2, c, c)
