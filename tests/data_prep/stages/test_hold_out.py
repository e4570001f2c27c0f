"""Rows that become other splits: none of their sentences stays in training, in whatever language."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.chunk import TextChunk, read_arrays
from data_prep.duplicates.key import sentence_keys
from data_prep.stages.clean import KEYS
from data_prep.stages.hold_out import KINDS, SHARED, SHARED_ROWS, How, held_out_in, hold_out
from data_prep.stages.read import IDS, id_keys
from mtdeep.errors import UserError

LANGUAGES = ("en", "de", "fr")
Row = tuple[str, ...]
DISTINCT: list[Row] = [(f"e{i}", f"d{i}", f"f{i}") for i in range(100)]


def divided(
    folder: Path, rows: list[Row], splits: dict[str, How], seed: int = 1, chunk: int = 40, ids: list[str] | None = None
) -> list[list[Row]]:
    """Return the rows of training, of each split, and those set apart, read back from chunks of so many rows."""
    chunks = []
    for first in range(0, len(rows), chunk):
        part = rows[first : first + chunk]
        keys = np.stack([sentence_keys([row[i] for row in part]) for i in range(len(LANGUAGES))], axis=1)
        names = {} if ids is None else {IDS: id_keys(ids[first : first + chunk])}
        TextChunk({}, {KEYS: keys, **names}).write(folder / f"chunk{first}")
        chunks.append((folder / f"chunk{first}", LANGUAGES))
    record = hold_out(folder, chunks, splits, seed, "c", "2 of 9 rows are left")
    kinds = np.concatenate([read_arrays(held_out_in(folder, number))[KINDS] for number in range(len(chunks))])
    found = [[row for row, kind in zip(rows, kinds.tolist(), strict=True) if kind == number]
             for number in (*range(len(splits) + 1), SHARED)]  # fmt: skip
    counted = [*splits, SHARED_ROWS]
    assert [record["rows"][name] for name in counted] == [len(of_split) for of_split in found[1:]]
    for name, of_split in zip(counted, found[1:], strict=True):
        sentences = [sum(bool(row[i]) for row in of_split) for i in range(len(LANGUAGES))]
        assert [record["languages"][name][language] for language in LANGUAGES] == sentences
    return found


def test_so_many_rows_of_each_split_and_the_others_for_training(tmp_path: Path) -> None:
    train, valid, test, shared = divided(tmp_path, DISTINCT, {"valid": 10, "test": 20})
    assert [len(rows) for rows in (train, valid, test, shared)] == [70, 10, 20, 0]
    assert sorted(train + valid + test) == sorted(DISTINCT)


def test_the_choice_depends_on_the_seed_and_the_text_alone(tmp_path: Path) -> None:
    first = divided(tmp_path, DISTINCT, {"test": 10})[1]
    assert divided(tmp_path, DISTINCT, {"test": 10}, chunk=7)[1] == first
    assert sorted(divided(tmp_path, DISTINCT[::-1], {"test": 10})[1]) == sorted(first)
    assert divided(tmp_path, DISTINCT, {"test": 10}, seed=2)[1] != first


def test_a_share_stays_when_the_corpus_grows(tmp_path: Path) -> None:
    rows = [(f"e{i}", f"d{i}", f"f{i}") for i in range(4000)]
    before = divided(tmp_path, rows[:2000], {"valid": 0.05, "test": 0.1}, chunk=500)
    after = divided(tmp_path, rows, {"valid": 0.05, "test": 0.1}, chunk=500)
    for i, share in ((1, 0.05), (2, 0.1)):
        assert set(before[i]) == set(after[i]) & set(rows[:2000])
        # Four standard deviations of a binomial draw.
        assert abs(len(after[i]) - 4000 * share) < 4 * (4000 * share * (1 - share)) ** 0.5


def test_rows_by_their_ids(tmp_path: Path) -> None:
    ids = [f"verse {i}" for i in range(100)]
    _, test, more, _ = divided(tmp_path, DISTINCT, {"test": ("verse 3", "verse 99"), "more": 5}, ids=ids)
    assert test == [DISTINCT[3], DISTINCT[99]]
    assert len(more) == 5 and not set(more) & set(test)
    with pytest.raises(UserError, match="no row has the id 'verse 100' of split 'test'"):
        divided(tmp_path, DISTINCT, {"test": ("verse 3", "verse 100")}, ids=ids)
    with pytest.raises(UserError, match="names ids for 'test', but its rows have none; say where they stand"):
        divided(tmp_path, DISTINCT, {"test": ("verse 3",)})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(*[st.sampled_from(["", *"abcdefghijklm"])] * 3), min_size=8, max_size=40).map(
        lambda rows: [row for row in rows if sum(map(bool, row)) >= 2]
    ),
    seed=st.integers(0, 5),
    splits=st.sampled_from([{"valid": 1, "test": 2}, {"valid": 0.2, "test": 1}, {"valid": 0.1, "test": 0.3}]),
)
def test_no_sentence_of_any_language_is_on_two_sides(
    tmp_path: Path, rows: list[Row], seed: int, splits: dict[str, How]
) -> None:
    try:
        train, valid, test, shared = divided(tmp_path, rows, splits, seed, chunk=9)
    except UserError:
        return
    assert len(train) + len(valid) + len(test) + len(shared) == len(rows)
    for i in range(3):
        sides = [{row[i] for row in of_split} - {""} for of_split in (train, valid, test)]
        assert not sides[0] & sides[1]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]


def test_more_candidates_are_looked_for_where_many_share_a_sentence(tmp_path: Path) -> None:
    """Of 3,000 rows 2,990 have the same English, so that the first thousand candidates do not suffice."""
    rows = [("same" if i % 300 else f"e{i}", f"d{i}", f"f{i}") for i in range(3000)]
    train, test, shared = divided(tmp_path, rows, {"test": 9}, chunk=1000)
    assert len(test) == 9 and len({row[0] for row in test}) == 9
    assert len(train) + len(shared) == 2991


def test_too_few_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="asks for 101 rows of split 'test', but only 100 distinct ones"):
        divided(tmp_path, DISTINCT, {"test": 101})
    with pytest.raises(UserError, match="nothing is left to train on"):
        divided(tmp_path, DISTINCT, {"test": 100})
