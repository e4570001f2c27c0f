"""Near repeats through files: which parts take part, what the exact repeats have taken already, leaked cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.duplicates.key import sentence_keys
from data_prep.duplicates.near import PERMUTATIONS
from data_prep.stages.clean import KEYS
from data_prep.stages.leaks import LEAKED
from data_prep.stages.near_repeats import SIGNED, near_repeats, sign
from data_prep.stages.select import ROWS, Part, repeated_in, repeats

ENGLISH = "The committee said on Tuesday that it would not change the rules of the competition this year at all"
CHINESE = "委员会星期二表示今年不会改变比赛的规则因为所有的参加者都已经按照这些规则准备好了他们的计划"
COLUMNS = {
    "clean": {"en": [ENGLISH, "Short."], "zh-Hans": [CHINESE, "短。"]},
    "mined": {
        "zh-Hans": [CHINESE[1:], CHINESE, "短", CHINESE],
        "en": [ENGLISH + " indeed", ENGLISH, "Short.", ENGLISH + " indeed"],
    },
}


@pytest.fixture
def parts(tmp_path: Path) -> list[Part]:
    found = []
    for rank, (name, columns) in enumerate(COLUMNS.items()):
        keys = np.stack([sentence_keys(column) for column in columns.values()], axis=1)
        TextChunk(columns, {KEYS: keys}).write(tmp_path / name)
        found.append(Part(tmp_path / name, tuple(columns), rank=rank))
    return found


@pytest.fixture
def signed(parts: list[Part], tmp_path: Path) -> list[Path | None]:
    folders = []
    for number, part in enumerate(parts):
        folders.append(tmp_path / f"signed{number}")
        folders[-1].mkdir()
        record = sign(folders[-1], part.chunk, part.languages)
        assert record == {"signed": {"en": 1, "zh-Hans": 1} if number == 0 else {"zh-Hans": 3, "en": 3}}
        assert read_arrays(folders[-1] / SIGNED)["values/en"].shape == (2 * number + 1, PERMUTATIONS)
    return folders


def found(folder: Path, *arguments: object) -> tuple[list[int], list[list[int]]]:
    record = near_repeats(folder, *arguments)  # type: ignore[arg-type]
    return record["rows"], [read_arrays(repeated_in(folder, number))[ROWS].tolist() for number in range(2)]


def test_what_exact_repeats_have_left_is_compared_and_both_are_in_the_result(
    parts: list[Part], signed: list[Path | None], tmp_path: Path
) -> None:
    """Of the mined rows the second is the clean one again; the first and the last are near to it."""
    (tmp_path / "exact").mkdir()
    assert repeats(tmp_path / "exact", parts, "64MB")["rows"] == [0, 1]
    exact = tmp_path / "exact"
    assert found(tmp_path, parts, signed, "64MB", exact) == ([0, 2], [[], [0, 1, 3]])
    assert found(tmp_path, parts, signed, "64MB", exact, 1.0) == ([0, 0], [[], [1]])


def test_parts_without_signatures_take_no_part(parts: list[Part], signed: list[Path | None], tmp_path: Path) -> None:
    """Among themselves the mined rows repeat the first one."""
    assert found(tmp_path, parts, [None, signed[1]], "64MB") == ([0, 2], [[], [1, 3]])
    assert found(tmp_path, parts, [signed[0], None], "64MB") == ([0, 0], [[], []])


def test_leaked_cells_are_not_compared(parts: list[Part], signed: list[Path | None], tmp_path: Path) -> None:
    mask = np.zeros((4, 2), dtype=bool)
    mask[[0, 1], 0] = True
    write_arrays(tmp_path / LEAKED, {LEAKED: mask})
    parts[1] = replace(parts[1], leaks=tmp_path)
    assert found(tmp_path, parts, signed, "64MB") == ([0, 1], [[], [3]])
