"""Repeated rows, against a search by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.duplicates.key import sentence_keys
from data_prep.duplicates.repeats import Repeats, Units, pairs_of, units_of

LANGUAGES = ("de", "en", "zh-Hans")
CELL = st.sampled_from(["", "a", "b"])
ROWS = st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12)


def keys_of(rows: list[tuple[str, ...]]) -> np.ndarray:
    return np.stack([sentence_keys(row) for row in rows])


def repeated(folder: Path, tables: list[Units], scores: list[np.ndarray] | None = None) -> list[int]:
    with Repeats(folder, "32MB") as repeats:
        for i, units in enumerate(tables):
            repeats.add(units, scores=None if scores is None else scores[i])
        return [int(position) for part in repeats.find() for position in part.rows]


def by_hand(rows: list[tuple[str, ...]]) -> list[int]:
    """The first of equal rows stays; a row of two goes when a row of three has its pair, wherever that stands."""
    cells = [{i: text for i, text in enumerate(row) if text} for row in rows]
    out = []
    for number, own in enumerate(cells):
        again = len(own) >= 2 and own in cells[:number]
        within = len(own) == 2 and any(len(other) == 3 and own.items() <= other.items() for other in cells)
        if again or within:
            out.append(number)
    return out


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, cut=st.integers(0, 12))
def test_as_by_hand_however_the_rows_are_divided(
    rows: list[tuple[str, ...]], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = keys_of(rows)
    pairs = pairs_of(LANGUAGES, keys)
    parts = [(keys[:cut], 0), (keys[cut:], cut)] if 0 < cut < len(rows) else [(keys, 0)]
    tables = [units_of(LANGUAGES, part, first, pairs) for part, first in parts]
    assert repeated(tmp_path_factory.mktemp("units"), tables) == by_hand(rows)


def test_each_repeat_is_named_with_what_it_repeats(tmp_path: Path) -> None:
    """The pair stands in the row of three, whichever comes first; the last row repeats the first."""
    rows = [("a", "b", ""), ("a", "b", "c"), ("x", "y", ""), ("a", "b", ""), ("x", "y", "")]
    keys = keys_of(rows)
    with Repeats(tmp_path, "32MB") as repeats:
        repeats.add(units_of(LANGUAGES, keys, 5, pairs_of(LANGUAGES, keys)))
        (found,) = repeats.find()
    assert list(zip(found.rows.tolist(), found.better.tolist(), strict=True)) == [(5, 6), (8, 6), (9, 7)]


def test_the_direction_does_not_matter(tmp_path: Path) -> None:
    forth, back = keys_of([("Haus", "house")]), keys_of([("house", "Haus")])
    tables = [units_of(("de", "en"), forth, 0, {("de", "en")}), units_of(("en", "de"), back, 1, {("de", "en")})]
    assert repeated(tmp_path, tables) == [1]


def test_equal_text_in_another_language_is_no_repeat(tmp_path: Path) -> None:
    keys = keys_of([("London", "London")])
    pairs = {("de", "en"), ("en", "fr")}
    tables = [units_of(("de", "en"), keys, 0, pairs), units_of(("en", "fr"), keys, 1, pairs)]
    assert repeated(tmp_path, tables) == []


def test_the_best_score_stays_and_the_first_of_equals(tmp_path: Path) -> None:
    keys = keys_of([("a", "b")] * 4)
    units = units_of(("de", "en"), keys, 10, {("de", "en")})
    assert repeated(tmp_path, [units], [np.array([0.5, np.nan, 0.9, 0.9])]) == [10, 11, 13]


def test_a_lower_rank_stays_whatever_the_scores(tmp_path: Path) -> None:
    keys = keys_of([("a", "b")] * 2)
    with Repeats(tmp_path, "64MB") as known:
        for first, rank, scores in ((0, 1, [0.9, 0.8]), (2, 0, [0.1, 0.2])):
            known.add(units_of(("de", "en"), keys, first, {("de", "en")}), rank, np.array(scores))
        assert [int(position) for part in known.find() for position in part.rows] == [0, 1, 2]


def test_more_rows_than_fit_into_memory(tmp_path: Path) -> None:
    """The table has 25 bytes a row, and the sort needs more than its memory has."""
    rows = 1_000_000
    units = np.random.default_rng(1).integers(0, rows // 2, rows).astype(np.uint64)
    table = Units(units, np.arange(rows), np.ones(rows, dtype=bool))
    assert len(repeated(tmp_path, [table])) == rows - len(np.unique(units))
