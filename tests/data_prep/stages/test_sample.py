"""What the vocabulary is learned from: shares of the languages, and every sentence equally often."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from data_prep.chunk import TextChunk, write_arrays
from data_prep.stages.encode import KEPT
from data_prep.stages.learn import _lines as lines_of
from data_prep.stages.sample import quotas, sample, times


def test_quotas_follow_the_closed_form() -> None:
    assert quotas({"en": 900, "de": 100}, 1.0, 100) == {"en": 90, "de": 10}
    assert quotas({"en": 900, "de": 100}, 2.0, 100) == {"en": 75, "de": 25}  # sqrt(900) : sqrt(100) = 3 : 1
    assert quotas({"en": 1000, "de": 1, "fr": 0}, 1.0, 10) == {"en": 10, "de": 1}


def test_small_languages_are_truly_repeated() -> None:
    often = times(0, 3, 3, 51, seed=1, place=0)
    assert often.tolist() == [17, 17, 17]
    often = times(0, 100, 100, 251, seed=1, place=0)
    assert often.sum() == 251 and set(often.tolist()) == {2, 3}


def test_chunks_share_one_draw_and_the_seed_decides_it() -> None:
    whole = times(0, 100, 100, 30, seed=1, place=2)
    assert np.array_equal(np.concatenate([times(0, 37, 100, 30, 1, 2), times(37, 63, 100, 30, 1, 2)]), whole)
    assert not np.array_equal(times(0, 100, 100, 30, seed=2, place=2), whole)
    assert not np.array_equal(times(0, 100, 100, 30, seed=1, place=3), whole)


def test_lines_are_those_of_the_kept_cells(tmp_path: Path) -> None:
    TextChunk({"en": ["a", "b", "c"], "de": ["A", "", "C\u2028D"]}).write(tmp_path / "chunk")
    write_arrays(tmp_path / "kept", {KEPT: np.array([[1, 1], [0, 0], [1, 1]], dtype=bool)})
    draws = {"de": (0, 2, 4, 0), "en": (0, 2, 1, 1)}
    record = sample(tmp_path, tmp_path / "chunk", tmp_path / "kept", draws, {"en": 0, "de": 1}, seed=1)
    drawn = Counter(lines_of([tmp_path]))
    assert record == {"lines": 5} and drawn.total() == 5
    assert drawn["A"] == drawn["C\u2028D"] == 2
    assert drawn["a"] + drawn["c"] == 1
