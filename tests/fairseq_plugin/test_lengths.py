"""Which examples validation can read: those that a loop over all sentences finds, and what is said about the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq.data import Dictionary, LanguagePairDataset

from mtdeep.corpus import Store, available, direction_views
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.datasets import DirectionsDataset
from mtdeep.fairseq_plugin.lengths import readable_examples

POSITIONS = (9, 10)
MOST = 8


@pytest.fixture(scope="module")
def dataset(toy_store: Path) -> DirectionsDataset:
    store = Store(toy_store)
    return DirectionsDataset(direction_views(store, "valid", available(store, "valid")), store.vocabulary, "src")


@pytest.fixture(scope="module")
def lengths(dataset: DirectionsDataset) -> list[tuple[int, int]]:
    """Source and target length of every example as it is collated."""
    batches = [dataset.collater([number]) for number in range(len(dataset))]
    return [(batch["net_input"]["src_tokens"].size(1), batch["target"].size(1)) for batch in batches]


def test_skipping_leaves_out_what_is_beyond_the_positions_and_what_no_batch_can_hold(
    dataset: DirectionsDataset, lengths: list[tuple[int, int]]
) -> None:
    kept = readable_examples(dataset, "valid", positions=POSITIONS, max_tokens=MOST, skips=True)
    fits = [s <= POSITIONS[0] and t <= POSITIONS[1] and max(s, t) <= MOST for s, t in lengths]
    assert 0 < sum(fits) < len(fits)
    assert kept.tolist() == [number for number, fit in enumerate(fits) if fit]


def test_without_limits_all_are_read(dataset: DirectionsDataset) -> None:
    kept = readable_examples(dataset, "valid", positions=None, max_tokens=None, skips=False)
    assert kept.tolist() == list(range(len(dataset)))


def test_the_sentence_counts_them_by_direction(dataset: DirectionsDataset, lengths: list[tuple[int, int]]) -> None:
    longer = [number for number, (s, t) in enumerate(lengths) if s > POSITIONS[0] or t > POSITIONS[1]]
    longest = max((lengths[number] for number in longer), key=max)
    with pytest.raises(UserError) as problem:
        readable_examples(dataset, "valid", positions=POSITIONS, max_tokens=None, skips=False)
    sentence = str(problem.value)
    assert sentence.startswith(f"{len(longer)} of {len(dataset)} examples of split 'valid' (")
    assert f"have up to {longest[0]} and {longest[1]} tokens, but the positions of task and model are (9, 10): " in (
        sentence
    )
    assert sentence.endswith("or leave such sentences out with --skip-invalid-size-inputs-valid-test.")
    rows = len(dataset) // len(dataset.views)  # every direction has every row
    for number, view in enumerate(dataset.views[:3]):
        count = sum(number * rows <= example < (number + 1) * rows for example in longer)
        assert f"{view}: {count}" in sentence


def test_the_remedy_for_tokens_is_enough(dataset: DirectionsDataset, lengths: list[tuple[int, int]]) -> None:
    enough = max(max(pair) for pair in lengths)
    with pytest.raises(UserError, match=f"a batch holds 8 tokens: raise --max-tokens, .* to {enough}, or leave such"):
        readable_examples(dataset, "valid", positions=None, max_tokens=MOST, skips=False)
    assert len(readable_examples(dataset, "valid", positions=None, max_tokens=enough, skips=False)) == len(dataset)


def test_nothing_left_is_a_mistake(dataset: DirectionsDataset) -> None:
    with pytest.raises(UserError, match="no example of split 'valid' is short enough"):
        readable_examples(dataset, "valid", positions=(2, 2), max_tokens=None, skips=True)


def test_fairseqs_own_dataset_skips_by_positions_alone(dictionary: Dictionary) -> None:
    sentences = [torch.full((length,), 5) for length in (3, 8, 5)]
    sizes = np.array([3, 8, 5])
    pairs = LanguagePairDataset(sentences, sizes, dictionary, sentences, sizes, dictionary)
    kept = readable_examples(pairs, "valid", positions=(6, 6), max_tokens=5, skips=True)
    assert kept.tolist() == [0, 2]
    with pytest.raises(UserError, match=r"1 of 3 examples of split 'valid' have up to 5 and 5 tokens, .* to 5\.$"):
        readable_examples(pairs, "valid", positions=(6, 6), max_tokens=4, skips=True)
