"""Batches of a split as fairseq asks for them."""

from __future__ import annotations

from pathlib import Path

from mtdeep.corpus import Direction, direction_views
from mtdeep.fairseq_plugin.datasets import DirectionsDataset


def test_of_no_examples_the_batch_is_empty(write_store, tmp_path: Path) -> None:
    """fairseq fills up the last round of several processes so, and puts a batch that it ignores in its place."""
    rows = {"en": ["one two three", "two three"] * 5, "de": ["eins zwei drei", "zwei drei"] * 5}
    store = write_store(tmp_path / "store", ("en", "de"), {("toy", "valid"): rows}, 18)
    dataset = DirectionsDataset(direction_views(store, "valid", [Direction("en", "de")]), store.vocabulary, "src")
    assert dataset.collater([]) == {}
    assert dataset.collater([1, 0])["nsentences"] == 2
