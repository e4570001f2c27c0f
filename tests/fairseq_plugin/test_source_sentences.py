"""Which validation sentences are scored with another source, which source that is, and what word frequencies cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fairseq.data import Dictionary, LanguagePairDataset
from fairseq.data.iterators import EpochBatchIterator
from hypothesis import given
from hypothesis import strategies as st

from mtdeep.corpus import Store, direction_views, parse_directions
from mtdeep.fairseq_plugin.datasets import DirectionsDataset
from mtdeep.fairseq_plugin.source_sentences import SENTENCES, Limits, SourceSentences, choose, unigram_loss
from mtdeep.fairseq_plugin.trainer import Trainer

PAD = 1
UNLIMITED = Limits(None, None)


@given(st.lists(st.integers(0, 20), max_size=300))
def test_chosen_sentences_have_another_of_their_direction(directions: list[int]) -> None:
    readable = np.arange(len(directions)) + 1000
    chosen = choose(readable, np.array(directions, dtype=np.int64), SENTENCES)
    assert len(chosen) == len(set(chosen.tolist())) <= 32
    counts = Counter(directions[number - 1000] for number in chosen.tolist())
    assert all(count > 1 for count in counts.values())
    several = [direction for direction, count in Counter(directions).items() if count > 1]
    assert len(counts) == min(8, len(several))


def test_sentences_of_middling_length_are_chosen() -> None:
    assert choose(np.arange(100), np.zeros(100, dtype=np.int64), SENTENCES).tolist() == list(range(34, 66))
    assert choose(np.arange(5), np.zeros(5, dtype=np.int64), SENTENCES).tolist() == [0, 1, 2, 3, 4]
    assert len(choose(np.arange(7), np.arange(7), SENTENCES)) == 0


def test_word_frequencies_in_closed_form() -> None:
    """Half of the tokens are 4, a quarter 5, a quarter 6: 1, 2 and 2 bits."""
    target = torch.tensor([[4, 5], [4, PAD]])
    assert unigram_loss(target, np.array([0, 0, 0, 0, 8, 4, 4]), PAD) == pytest.approx((1 + 2 + 1) / 3)


@pytest.fixture
def of_store(toy_store: Path) -> Callable[[str], tuple[DirectionsDataset, EpochBatchIterator]]:
    """The validation split of some directions, in batches of five."""

    def make(directions: str) -> tuple[DirectionsDataset, EpochBatchIterator]:
        store = Store(toy_store)
        views = direction_views(store, "valid", parse_directions(directions, store))
        dataset = DirectionsDataset(views, store.vocabulary, "src")
        batches = np.array_split(dataset.ordered_indices(), -(-len(dataset) // 5))
        return dataset, EpochBatchIterator(dataset, dataset.collater, [batch.tolist() for batch in batches])

    return make


def test_other_sources_are_of_the_same_direction(of_store, toy_store: Path) -> None:
    """Of 12 directions, eight: source and target tags stay, and sources are those of sentences that were chosen."""
    dataset, iterator = of_store("all")
    sentences = SourceSentences.of(iterator, PAD, UNLIMITED, seed=1)
    assert sentences is not None
    own, other = sentences.own, sentences.other
    assert len(own["id"]) == 32 and len(np.unique(dataset.directions_of(own["id"].numpy()))) == 8
    sources, others = own["net_input"]["src_tokens"], other["net_input"]["src_tokens"]
    assert torch.equal(sources[:, 0], others[:, 0]), "the tag of the source"
    assert sorted(map(tuple, sources.tolist())) == sorted(map(tuple, others.tolist()))
    assert sources.ne(others).any(1).all()
    assert torch.equal(others.ne(PAD).sum(1), other["net_input"]["src_lengths"])
    for name in ("target", "id"):
        assert torch.equal(own[name], other[name])
    assert torch.equal(own["net_input"]["prev_output_tokens"], other["net_input"]["prev_output_tokens"])


def test_word_frequencies_are_those_of_the_split(of_store) -> None:
    dataset, iterator = of_store("en-de,de-en")
    sentences = SourceSentences.of(iterator, PAD, UNLIMITED, seed=1)
    assert sentences is not None
    every = dataset.collater(range(len(dataset)))["target"]
    counts = Counter(every[every.ne(PAD)].tolist())
    target = sentences.own["target"]
    bits = [-math.log2(counts[token] / counts.total()) for token in target[target.ne(PAD)].tolist()]
    assert sentences.unigram == pytest.approx(sum(bits) / len(bits))


def pairs(dictionary: Dictionary, sources: list[list[int]]) -> EpochBatchIterator:
    """fairseq's own dataset of pairs, whose batches are sorted by the length of the source, and padded on the left."""
    source = [torch.tensor([*tokens, dictionary.eos()]) for tokens in sources]
    target = [torch.tensor([9, 8, dictionary.eos()]) for _ in sources]
    lengths = list(map(len, source))
    dataset = LanguagePairDataset(source, lengths, dictionary, target, [3] * len(target), dictionary, shuffle=False)
    return EpochBatchIterator(dataset, dataset.collater, [list(range(len(sources)))])


def test_fairseqs_own_pairs_have_the_source_of_the_next_in_the_batch(dictionary: Dictionary) -> None:
    sentences = SourceSentences.of(pairs(dictionary, [[5], [6, 7, 8], [9, 10]]), dictionary.pad(), UNLIMITED, seed=1)
    assert sentences is not None
    pad, eos = dictionary.pad(), dictionary.eos()
    rows = [[6, 7, 8, eos], [pad, 9, 10, eos], [pad, pad, 5, eos]]
    assert sentences.own["net_input"]["src_tokens"].tolist() == rows
    assert sentences.other["net_input"]["src_tokens"].tolist() == [rows[2], rows[0], rows[1]]
    assert sentences.other["net_input"]["src_lengths"].tolist() == [2, 4, 3]


@pytest.mark.parametrize(
    ("limits", "sentences"),
    [
        (Limits(None, None), 6),
        (Limits(4, None), 4),
        (Limits(None, 16), 4),  # of the longest, 4 tokens with the end
        (Limits(3, 16), 3),
        (Limits(None, 8), 2),
        (Limits(None, 7), 0),
        (Limits(1, None), 0),
    ],
)
def test_the_batch_is_within_the_limits_of_validation(limits: Limits, sentences: int, dictionary: Dictionary) -> None:
    six = pairs(dictionary, [[5, 6, n] for n in range(5, 11)])
    found = SourceSentences.of(six, dictionary.pad(), limits, seed=1)
    assert (0 if found is None else len(found.own["id"])) == sentences


def test_nothing_to_compare(dictionary: Dictionary, monkeypatch: pytest.MonkeyPatch) -> None:
    for sources in ([[5, 6]], [[5, 6], [5, 6], [5, 6]]):
        assert SourceSentences.of(pairs(dictionary, sources), dictionary.pad(), UNLIMITED, seed=1) is None
    other_iterator = SimpleNamespace()  # one of fairseq's others
    assert SourceSentences.of(other_iterator, dictionary.pad(), UNLIMITED, seed=1) is None  # type: ignore[arg-type]
    monkeypatch.setattr(LanguagePairDataset, "supports_fetch_outside_dataloader", False)
    assert SourceSentences.of(pairs(dictionary, [[5], [6]]), dictionary.pad(), UNLIMITED, seed=1) is None


def test_numpys_random_numbers_stay(trainer: Callable[..., Trainer]) -> None:
    np.random.seed(3)
    before = np.random.get_state()[1].tolist()
    assert SourceSentences.of(trainer().get_valid_iterator("valid"), PAD, UNLIMITED, seed=1) is not None
    assert np.random.get_state()[1].tolist() == before
