from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.duplicates.key import sentence_key
from data_prep.splits import hold_out
from data_prep.table import Account, AlignedText
from mtdeep.errors import UserError

LANGUAGES = ("en", "de", "fr")


def table_of(rows: list[tuple[str, ...]]) -> AlignedText:
    def column(language: str) -> Iterator[str]:
        return (row[LANGUAGES.index(language)] for row in rows)

    present = np.array([[bool(text) for text in row] for row in rows])
    return AlignedText("c", "train", LANGUAGES, present, column, Account(len(rows), len(rows)), {})


def rows_of(table: AlignedText) -> list[tuple[str, ...]]:
    return list(zip(*(table.column(language) for language in LANGUAGES), strict=True))


DISTINCT = [(f"e{i}", f"d{i}", f"f{i}") for i in range(100)]


def test_sizes_order_and_account() -> None:
    train, valid, test = hold_out(table_of(DISTINCT), {"valid": 10, "test": 20}, seed=1)
    assert [t.split for t in (train, valid, test)] == ["train", "valid", "test"]
    assert (train.rows, valid.rows, test.rows) == (70, 10, 20)
    assert sorted(rows_of(train) + rows_of(valid) + rows_of(test)) == sorted(DISTINCT)
    assert rows_of(train) == [row for row in DISTINCT if row in set(rows_of(train))]
    assert train.account.rejected == {"held out for valid": 10, "held out for test": 20}
    assert train.account.read == 100


def test_the_choice_depends_on_the_seed_alone() -> None:
    first, again, other = (rows_of(hold_out(table_of(DISTINCT), {"test": 10}, seed)[1]) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.sampled_from(["", *"abcdefghijklm"])] * 3), min_size=8, max_size=40).map(
        lambda rows: [row for row in rows if sum(map(bool, row)) >= 2]
    ),
    seed=st.integers(0, 5),
)
def test_no_sentence_of_any_language_is_on_two_sides(rows: list[tuple[str, ...]], seed: int) -> None:
    if not rows:
        return
    try:
        tables = hold_out(table_of(rows), {"valid": 1, "test": 2}, seed)
    except UserError:
        return
    for i in range(3):
        sides = [{row[i] for row in rows_of(table)} - {""} for table in tables]
        assert not sides[0] & sides[1]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]


def test_equal_but_for_case_width_and_spaces_is_equal() -> None:
    assert sentence_key("A  \uff22c ") == sentence_key("a bC")
    assert sentence_key("a b") != sentence_key("ab")
    assert sentence_key(" ") == sentence_key("") == 0


def test_too_few_rows() -> None:
    with pytest.raises(UserError, match="asks for 101 lines of split 'test', but only 100 distinct ones"):
        hold_out(table_of(DISTINCT), {"test": 101}, seed=1)
    with pytest.raises(UserError, match="nothing is left to train on"):
        hold_out(table_of(DISTINCT), {"test": 100}, seed=1)
