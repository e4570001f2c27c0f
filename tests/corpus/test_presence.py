"""Shared rows by number, against the list of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtdeep.corpus import presence


@settings(max_examples=40, deadline=None)
@given(
    rows=st.sampled_from([1, 63, 64, 65, 1023, 1024, 1025, 3000]),
    density=st.sampled_from([0.0, 0.01, 0.5, 0.97, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_select_is_indexing(rows: int, density: float, seed: int) -> None:
    """Element k of the rows that two languages share, for every k of every pair, in any order and way round."""
    rng = np.random.default_rng(seed)
    present = rng.random((3, rows)) < density
    words = np.stack([presence.packed(row) for row in present])
    assert words.shape == presence.nothing(3, rows).shape
    asked, expected = [], []
    for one, other in ((0, 1), (2, 1), (1, 0), (2, 2)):
        shared = np.flatnonzero(present[one] & present[other])
        assert presence.rows_of(words[one] & words[other], rows).tolist() == shared.tolist()
        asked += [(one, other, k) for k in range(len(shared))]
        expected += shared.tolist()
    order = rng.permutation(len(asked))
    found = presence.select(words, *np.array(asked, dtype=np.int64).reshape(-1, 3)[order].T)
    assert found.tolist() == np.array(expected, dtype=np.int64)[order].tolist()


def test_pairs_are_taken_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many at a time as the memory for it allows, down to one."""
    words = np.stack([presence.packed(row) for row in np.random.default_rng(1).random((4, 2100)) < 0.5])
    asked = np.array([(a, b, k) for a in range(4) for b in range(4) for k in range(0, 400, 7)]).T
    whole = presence.select(words, *asked)
    for size in (1, 3 * 3 * 128):
        monkeypatch.setattr(presence, "_BYTES_AT_A_TIME", size)
        assert np.array_equal(presence.select(words, *asked), whole)
