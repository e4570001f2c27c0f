"""Theories, fits and what counts as agreement: closed forms."""

from __future__ import annotations

import math

import pytest
from laws import Fit, Theory, power

DEPTHS = (6, 12, 24, 48, 96)


def test_a_fit_of_a_power_law_is_its_exponent_whatever_the_seeds_scale() -> None:
    values = {depth: [scale * depth**-0.5 for scale in (1.0, 2.0, 9.0)] for depth in DEPTHS}
    fit = Fit.over(values)
    assert (fit.p, fit.lowest, fit.highest) == pytest.approx((-0.5, -0.5, -0.5))
    fit = Fit.over({depth: [depth**-0.7, depth**-0.5, depth**-0.4] for depth in DEPTHS})
    assert (fit.p, fit.lowest, fit.highest) == pytest.approx((-0.5, -0.7, -0.4))


@pytest.mark.parametrize("bound, fails", [("at most", {0.61}), ("at least", {0.39}), ("as", {0.39, 0.61})])
def test_a_theorem_holds_up_to_the_tolerance(bound: str, fails: set[float]) -> None:
    assert {fitted for fitted in (0.39, 0.41, 0.59, 0.61) if not power(0.5, bound, "").holds(fitted, DEPTHS)} == fails


def test_another_function_than_a_power_is_fitted_over_the_same_depths() -> None:
    """Over two depths the exponent is the slope between them."""
    logarithm = Theory("ln 2L", lambda depth: math.log(2 * depth), "at most", "")
    assert logarithm.exponent((6, 96)) == pytest.approx(math.log(math.log(192) / math.log(12)) / math.log(16))
