"""Random access into a shuffle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtdeep.corpus.permutation import key, mix, permute


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_bijective(n: int, seed: int) -> None:
    """Every number below n comes once."""
    shuffled = permute(np.arange(n), n, np.uint64(seed))
    assert np.array_equal(np.sort(shuffled), np.arange(n))


@given(st.integers(1, 2**40), st.data())
def test_large_domains(n: int, data: st.DataObject) -> None:
    """Elements of a huge shuffle stay inside it, differ, and do not depend on what else is asked."""
    k = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=20, unique=True)))
    shuffled = permute(k, n, key(3))
    assert np.all((shuffled >= 0) & (shuffled < n))
    assert len(np.unique(shuffled)) == len(k)
    assert np.array_equal(shuffled, [int(permute(i, n, key(3))) for i in k])


def test_elements_may_belong_to_different_permutations() -> None:
    """`n` and the key broadcast with k."""
    k, n, keys = np.array([0, 5, 9]), np.array([1, 6, 1000]), key(1, np.arange(3))
    expected = [int(permute(k[i], n[i], keys[i])) for i in range(3)]
    assert permute(k, n, keys).tolist() == expected


@pytest.mark.parametrize("n", [2, 3, 5, 16])
def test_uniform(n: int) -> None:
    """Over keys, each element goes to each place equally often (chi-square at 5 standard deviations)."""
    keys = key(11, np.arange(20_000))
    for k in range(n):
        places = np.bincount(permute(k, n, keys), minlength=n)
        expected = len(keys) / n
        chi_square = ((places - expected) ** 2 / expected).sum()
        assert chi_square < (n - 1) + 5 * np.sqrt(2 * (n - 1)) + 5


def test_neighbours_are_scattered() -> None:
    """No trace of the order: rank correlation of a shuffle of 10,000 is within 4 standard deviations of 0."""
    shuffled = permute(np.arange(10_000), 10_000, key(2))
    assert abs(np.corrcoef(np.arange(10_000), shuffled)[0, 1]) < 0.04
    assert abs(np.corrcoef(shuffled[:-1], shuffled[1:])[0, 1]) < 0.04


def test_golden() -> None:
    """The order is fixed for ever: a checkpoint stores positions in it."""
    # splitmix64 from state 0 starts with this number (test vector of Vigna's splitmix64.c).
    assert int(mix(0)) == 0xE220A8397B1DCDAF
    assert permute(np.arange(8), 8, key(1, 2)).tolist() == GOLDEN


GOLDEN = [4, 5, 6, 2, 1, 7, 0, 3]


@pytest.mark.parametrize(("k", "n"), [(5, 5), (-1, 5), (0, 0)])
def test_outside(k: int, n: int) -> None:
    """An index outside is a mistake of the program."""
    with pytest.raises(ValueError, match="outside"):
        permute(k, n, key(0))
