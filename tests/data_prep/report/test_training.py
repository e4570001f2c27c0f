"""Shares of directions against n^(1/T) itself, and pairs over several corpora."""

from __future__ import annotations

import numpy as np
import pytest

from data_prep.report.training import pair_matrix, sampling_section
from mtdeep.corpus.manifest import Column, CorpusRecord


def record(name: str, split: str, languages: tuple[str, ...], pairs: tuple[int, ...]) -> CorpusRecord:
    columns = tuple(Column(code, kind, 9, 9, ()) for code in languages for kind in ("tokens", "text"))
    return CorpusRecord(name, split, 9, columns, pairs, {})


def test_pairs_of_all_training_corpora_are_added() -> None:
    records = [
        record("a", "train", ("en", "de", "fr"), (5, 3, 2)),
        record("b", "train", ("fr", "en"), (4,)),
        record("a", "test", ("en", "de"), (9,)),
    ]
    assert pair_matrix(records, ("en", "de", "fr", "it")).tolist() == [
        [0, 5, 7, 0], [5, 0, 2, 0], [7, 2, 0, 0], [0, 0, 0, 0]
    ]  # fmt: skip


def test_shares_are_the_temperatures() -> None:
    matrix = np.array([[0, 800, 100], [800, 0, 0], [100, 0, 0]])
    found = sampling_section(matrix, ("en", "de", "fr"))
    assert found["temperatures"] == [1, 2, 5]
    largest = found["directions"][0]
    assert (largest["source"], largest["target"], largest["pairs"]) == ("en", "de", 800)
    for place, t in enumerate((1, 2, 5)):
        weights = 800 ** (1 / t), 100 ** (1 / t)
        assert largest["shares"][place] == pytest.approx(weights[0] / (2 * sum(weights)))
        assert found["languages"]["en"]["as_source"][place] == pytest.approx(0.5)
        assert found["languages"]["fr"]["as_target"][place] == pytest.approx(weights[1] / (2 * sum(weights)))
        assert sum(one["shares"][place] for one in found["directions"]) == pytest.approx(1)
    assert [(code, of["pairs"]) for code, of in found["languages"].items()] == [("en", 900), ("de", 800), ("fr", 100)]


def test_of_many_directions_the_largest_and_the_smallest_are_listed() -> None:
    matrix = np.arange(100).reshape(10, 10)
    matrix = np.triu(matrix, 1) + np.triu(matrix, 1).T
    found = sampling_section(matrix, [f"x{i}" for i in range(10)])
    every = sorted((int(n) for n in matrix.ravel() if n), reverse=True)
    assert len(every) == 90
    assert [one["pairs"] for one in found["directions"]] == every[:25] + every[-25:]


def test_without_pairs_nothing_is_sampled() -> None:
    empty = sampling_section(np.zeros((2, 2), dtype=np.int64), ("en", "de"))
    assert empty == {"temperatures": [1, 2, 5], "languages": {}, "directions": []}
