"""A corpus that is read a piece at a time says what it says when it is read whole."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Block, Corpus, Store, StoreWriter, Vocabulary, corpora
from mtdeep.corpus.presence import BLOCK_ROWS

LANGUAGES = ("en", "de", "fr")
ROWS = 3 * BLOCK_ROWS - 7


@pytest.fixture
def lengths(random: np.random.Generator) -> np.ndarray:
    """Lengths of sentences, gaps among them, (languages, rows)."""
    return np.where(random.random((3, ROWS)) < 0.3, 0, random.integers(1, 50, (3, ROWS)))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.fixture
def corpus(tmp_path: Path, lengths: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A corpus in many segments, of which a block of rows is in memory at a time."""
    monkeypatch.setattr(corpora, "_ROWS_OF_ONE", BLOCK_ROWS)
    monkeypatch.setattr(corpora, "_ROWS_OF_ALL", 100)
    vocabulary = Vocabulary(("p0", "p1"), LANGUAGES)
    with StoreWriter(tmp_path / "store", vocabulary, None, shard_bytes=10_000) as writer:
        columns = {
            language: iter([Block(np.full(column.sum(), 4), column)])
            for language, column in zip(LANGUAGES, lengths, strict=True)
        }
        writer.add_corpus("a", "train", columns, provenance={})
        writer.finish({})
    (found,) = Store(tmp_path / "store").corpora("train")
    return found


def test_lengths_between(corpus: Corpus, lengths: np.ndarray, random: np.random.Generator) -> None:
    """Any range of rows, over whichever segments it reaches."""
    for first, end in [(0, 0), (0, ROWS), (ROWS, ROWS), *np.sort(random.integers(0, ROWS, (50, 2)))]:
        for language, column in zip(LANGUAGES, lengths, strict=True):
            assert np.array_equal(corpus.lengths_between(language, first, end), column[first:end])


def test_count_above(corpus: Corpus, lengths: np.ndarray) -> None:
    """Rows with a side above its limit, counted one by one."""
    counts = corpus.count_above(45, 30)
    for s, t in permutations(range(3), 2):
        shared = (lengths[s] > 0) & (lengths[t] > 0)
        assert counts[s, t] == (shared & ((lengths[s] > 45) | (lengths[t] > 30))).sum()


def test_common_rows(corpus: Corpus, lengths: np.ndarray) -> None:
    """Rows that two languages share, in a list and by their numbers."""
    for s, t in permutations(range(3), 2):
        expected = np.flatnonzero((lengths[s] > 0) & (lengths[t] > 0))
        assert np.array_equal(corpus.common_rows(LANGUAGES[s], LANGUAGES[t]), expected)
        sides = np.full((2, len(expected)), [[s], [t]])
        assert np.array_equal(corpus.common_rows_at(*sides, np.arange(len(expected))), expected)
