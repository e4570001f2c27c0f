"""Columns that join rows of a store, through files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.duplicates.key import sentence_keys
from data_prep.stages.clean import CLEAN, KEYS, ROWS
from data_prep.stages.encode import KEPT
from data_prep.stages.part import Part
from data_prep.stages.read import chunk_name
from data_prep.stages.widen import NEW, same_rows, widen
from mtdeep.errors import UserError


def cleaned(path: Path, columns: dict[str, list[str]], rows: list[int]) -> Path:
    keys = np.stack([sentence_keys(column) for column in columns.values()], axis=1)
    TextChunk(columns, {ROWS: np.array(rows), KEYS: keys}).write(path)
    return path


def test_rows_keep_their_order_and_find_their_sentences(tmp_path: Path) -> None:
    """Row 10 was not kept, 11 lost its German to a leak; 13 is gone from the wider text; 12 came back in it."""
    old = cleaned(tmp_path / "old", {"en": list("abcd"), "de": list("ABCD")}, [9, 10, 11, 13])
    wide = cleaned(tmp_path / "wide", {"fr": list("1234"), "en": list("abce"), "de": list("ABCE")}, [9, 10, 11, 12])
    write_arrays(tmp_path / "kept", {KEPT: np.array([[1, 1], [0, 0], [1, 0], [1, 1]], dtype=bool)})
    record = widen(tmp_path, old, tmp_path / "kept", ["en", "de"], wide, ["fr"])
    found = TextChunk.read(tmp_path / CLEAN)
    assert found.columns == {"en": ["a", "c", "d"], "de": ["A", "", "D"], "fr": ["1", "3", ""]}
    assert found.arrays[ROWS].tolist() == [9, 11, 13]
    assert record == {"rows": 3, "languages": {"fr": 2}}
    assert read_arrays(tmp_path / NEW)[KEPT].tolist() == [[False, False, True]] * 2 + [[False] * 3]
    part = Part(tmp_path / CLEAN, ("en", "de", "fr"), cells=tmp_path / NEW)
    keys = sentence_keys(["1", "3", ""])
    assert part.present().tolist() == [[0, 0, int(key)] for key in keys]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ([["a", "b"], ["c"]], None),
        ([["a", "x"], ["c"]], "row 1 has another sentence in 'en' when more languages are read; give these"),
        ([["a", "b"], ["x"]], "row 2 has another sentence in 'en'"),
        ([["a", "b"]], "3 rows are 2 when more languages are read"),
        ([["a", "b"], ["c", "d"]], "3 rows are 4 when"),
    ],
)
def test_rows_that_are_the_same(tmp_path: Path, after: list[list[str]], says: str | None) -> None:
    before = [["a", "b"], ["c"]]
    for name, chunks in (("before", before), ("after", after)):
        (tmp_path / name).mkdir()
        for number, column in enumerate(chunks):
            columns = {"en": column} | ({"fr": column} if name == "after" else {})
            TextChunk(columns).write(tmp_path / name / chunk_name(number))
    rows = [list(map(len, chunks)) for chunks in (before, after)]

    def compare() -> None:
        same_rows(tmp_path, tmp_path / "before", tmp_path / "after", (rows[0], rows[1]), ["en"])

    if says is None:
        compare()
    else:
        with pytest.raises(UserError, match=says):
            compare()
