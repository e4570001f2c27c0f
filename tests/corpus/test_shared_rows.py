"""Presence bits against rows that come at once, shared rows against a count row by row."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtdeep.corpus.shared_rows import PresenceBits, pair_counts


@given(st.lists(st.lists(st.booleans(), max_size=20), max_size=6))
def test_bits_are_packed_as_if_they_came_at_once(parts: list[list[bool]]) -> None:
    bits = PresenceBits()
    for part in parts:
        bits.append(np.array(part, dtype=bool))
    expected = np.packbits(np.array([bit for part in parts for bit in part], dtype=bool))
    assert np.array_equal(bits.packed(), expected)


@given(st.lists(st.tuples(*[st.booleans()] * 4), max_size=30))
def test_rows_that_each_two_columns_share(rows: list[tuple[bool, ...]]) -> None:
    presence = [np.packbits(np.array([row[i] for row in rows], dtype=bool)) for i in range(4)]
    expected = [sum(row[i] and row[j] for row in rows) for i, j in combinations(range(4), 2)]
    assert list(pair_counts(presence)) == expected
