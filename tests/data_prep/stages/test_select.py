"""Repeats and leaks through files, to the mask of what goes into the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_prep.chunk import TextChunk, read_arrays, write_arrays
from data_prep.duplicates.key import sentence_keys
from data_prep.stages.clean import KEYS
from data_prep.stages.clean import ROWS as NUMBERS
from data_prep.stages.encode import KEPT
from data_prep.stages.part import LEAKED, Part, Rows
from data_prep.stages.read import SCORES
from data_prep.stages.repeat_samples import sample_repeats
from data_prep.stages.select import LEFT_BY_LEAKS, REPEAT, ROWS, SCORED, repeated_in, repeats, select

TEXTS = {
    "nway": {"de": ["a", "b", "a"], "en": ["A", "B", "A"], "fr": ["1", "", "1"]},
    "mined": {"en": ["A", "B", "C", "C"], "de": ["a", "b", "c", "c"]},
    "clean": {"de": ["c", "d"], "en": ["C", "D"]},
}
MINED_SCORES = np.array([0.1, 0.2, 0.3, 0.4])


@pytest.fixture
def parts(tmp_path: Path) -> list[Part]:
    found = []
    for name, columns in TEXTS.items():
        keys = np.stack([sentence_keys(column) for column in columns.values()], axis=1)
        arrays = {KEYS: keys, NUMBERS: 7 + np.arange(len(keys))}
        arrays |= {SCORES: MINED_SCORES} if name == "mined" else {}
        TextChunk(columns, arrays).write(tmp_path / name)
        found.append(Part(tmp_path / name, tuple(columns), rank=len(found)))
    return found


def repeated(folder: Path, parts: list[Part]) -> list[list[int]]:
    record = repeats(folder, parts, "64MB")
    found = [read_arrays(repeated_in(folder, number))[ROWS].tolist() for number in range(len(parts))]
    assert record["rows"] == [len(rows) for rows in found]
    assert not [*folder.glob("*.duckdb")]
    return found


def test_across_corpora_and_directions(parts: list[Part], tmp_path: Path) -> None:
    """The third n-way row repeats the first. The mined a-A stands in it as a pair, b-B in the corpus before.

    Of the c-C the mined corpus's better one stays, as it has the lower rank.
    """
    assert repeated(tmp_path, parts) == [[2], [0, 1, 2], [0]]


def test_repeats_are_shown_beside_what_they_repeat(parts: list[Part], tmp_path: Path) -> None:
    """Rows by their numbers in the source; a part of each corpus by turns, and two languages of a row."""
    repeated(tmp_path, parts)
    names = ["talks", "web", "clean"]
    found = sample_repeats(tmp_path, parts, names, tmp_path, {"talks": [0], "web": [1], "clean": [2]})["samples"]
    shown = {
        (corpus, language): [(one["row"], one["text"], one["beside"]) for one in samples]
        for corpus, languages in found.items()
        for language, samples in languages.items()
    }
    assert shown == {
        ("talks", "de"): [(9, "a", {"talks, row 7": "a"})],
        ("talks", "en"): [(9, "A", {"talks, row 7": "A"})],
        ("web", "en"): [
            (7, "A", {"talks, row 7": "A"}), (8, "B", {"talks, row 8": "B"}), (9, "C", {"web, row 10": "C"})
        ],
        ("web", "de"): [
            (7, "a", {"talks, row 7": "a"}), (8, "b", {"talks, row 8": "b"}), (9, "c", {"web, row 10": "c"})
        ],
        ("clean", "de"): [(7, "c", {"web, row 10": "c"})],
        ("clean", "en"): [(7, "C", {"web, row 10": "C"})],
    }


def test_of_equal_ranks_the_score_decides(parts: list[Part], tmp_path: Path) -> None:
    """Rows without a score lose against one that has any: b-B now stays in the mined corpus."""
    assert repeated(tmp_path, [replace(part, rank=0) for part in parts]) == [[1, 2], [0, 2], [0]]


def test_a_leaked_cell_is_not_compared_and_not_kept(parts: list[Part], tmp_path: Path) -> None:
    """Without its German the first n-way row no longer has the pair a-A, which the mined corpus then may keep."""
    leaks = tmp_path / "leaks"
    leaks.mkdir()
    mask = np.zeros((3, 3), dtype=bool)
    mask[[0, 2], 0] = True
    write_arrays(leaks / LEAKED, {LEAKED: mask})
    parts[0] = replace(parts[0], leaks=leaks)
    found = repeated(tmp_path, parts)
    assert 0 not in found[1] and found[0] == [2]
    samples = sample_repeats(tmp_path, parts, ["talks", "web", "clean"], tmp_path, {"talks": [0]})["samples"]
    assert "de" not in samples["talks"] and samples["talks"]
    (tmp_path / "out").mkdir()
    record = select(tmp_path / "out", parts[0], 2, (tmp_path, 0))
    assert read_arrays(tmp_path / "out" / KEPT)[KEPT].tolist() == [
        [False, True, True], [True, True, False], [False, False, False]
    ]  # fmt: skip
    assert record["rows"] == {KEPT: 2, REPEAT: 1, LEFT_BY_LEAKS: 0}
    assert record["languages"] == {
        "de": {KEPT: 1, SCORED: 2, REPEAT: 0, LEFT_BY_LEAKS: 0},
        "en": {KEPT: 2, SCORED: 0, REPEAT: 1, LEFT_BY_LEAKS: 0},
        "fr": {KEPT: 1, SCORED: 0, REPEAT: 1, LEFT_BY_LEAKS: 0},
    }


def test_rows_of_another_split_are_neither_kept_nor_counted(parts: list[Part], tmp_path: Path) -> None:
    write_arrays(tmp_path / "held", {"0": np.array([0, 1, 0], dtype=np.int8)})
    (tmp_path / "out").mkdir()
    record = select(tmp_path / "out", replace(parts[0], rows=Rows(tmp_path / "held", "0", 0)), 2)
    assert read_arrays(tmp_path / "out" / KEPT)[KEPT].any(axis=1).tolist() == [True, False, True]
    assert record["rows"] == {KEPT: 2, REPEAT: 0, LEFT_BY_LEAKS: 0}


@pytest.mark.parametrize("least, kept", [(2, [True, False]), (1, [True, True])])
def test_rows_with_too_few_sentences_go(tmp_path: Path, least: int, kept: list[bool]) -> None:
    columns = {"en": ["A", "B"], "de": ["a", ""]}
    keys = np.stack([sentence_keys(column) for column in columns.values()], axis=1)
    TextChunk(columns, {KEYS: keys}).write(tmp_path / "chunk")
    record = select(tmp_path, Part(tmp_path / "chunk", ("en", "de")), least)
    assert read_arrays(tmp_path / KEPT)[KEPT].any(axis=1).tolist() == kept
    assert record["rows"] == {KEPT: sum(kept), REPEAT: 0, LEFT_BY_LEAKS: 2 - sum(kept)}
