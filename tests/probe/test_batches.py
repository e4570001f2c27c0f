"""Batches to probe with: made-up sentences, and a store's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtdeep.corpus import Store
from mtdeep.errors import UserError
from mtdeep.probe import made_up_batches, store_batches

PAD, EOS = 1, 2


def test_made_up_translations_are_word_for_word(candidate) -> None:
    config = candidate("deepnorm", 2).config
    batches = made_up_batches(config, 3, tokens=256, seed=5)
    counterpart: dict[int, int] = {}
    for batch in batches:
        assert batch.source.shape == batch.target.shape == batch.previous.shape
        assert torch.equal(batch.source.eq(PAD), batch.target.eq(PAD))
        assert torch.equal(batch.previous[:, 1:].masked_fill(batch.target[:, 1:].eq(PAD), PAD),
                           batch.target[:, :-1].masked_fill(batch.target[:, 1:].eq(PAD), PAD))  # fmt: skip
        assert batch.previous[:, 0].eq(EOS).all()
        for word, translation in zip(batch.source.flatten().tolist(), batch.target.flatten().tolist(), strict=True):
            assert counterpart.setdefault(word, translation) == translation
        assert 0.7 * 256 < batch.source.ne(PAD).sum() < 1.3 * 256
    words = [word for word in counterpart if word not in (PAD, EOS)]
    assert len({counterpart[word] for word in words}) == len(words) > 40
    assert max(words) < config.source_vocabulary_size


def test_made_up_batches_follow_from_the_seed(candidate) -> None:
    config = candidate("deepnorm", 2).config
    first, again = (made_up_batches(config, 2, tokens=100, seed=5)[1] for _ in range(2))
    assert torch.equal(first.source, again.source) and torch.equal(first.target, again.target)
    assert not torch.equal(first.source[0, :8], made_up_batches(config, 2, tokens=100, seed=6)[1].source[0, :8])


def test_another_source(candidate) -> None:
    batch = made_up_batches(candidate("deepnorm", 2).config, 1, tokens=100, seed=5)[0]
    other = batch.with_another_source()
    assert other is not None
    assert torch.equal(other.source[1:], batch.source[:-1]) and torch.equal(other.source[0], batch.source[-1])
    assert torch.equal(other.target, batch.target) and torch.equal(other.previous, batch.previous)
    assert not any(torch.equal(a, b) for a, b in zip(other.source, batch.source, strict=True))


def test_one_sentence_has_no_other_source(candidate) -> None:
    batch = made_up_batches(candidate("deepnorm", 2).config, 1, tokens=100, seed=5)[0]
    alone = type(batch)(batch.source[:1], batch.previous[:1], batch.target[:1])
    assert alone.with_another_source() is None


@pytest.fixture(scope="module")
def store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    random = np.random.default_rng(1)
    lines = [" ".join(random.choice(["one", "two", "three", "four"], size=6)) for _ in range(60)]
    columns = {"en": lines, "de": [line.upper() for line in lines]}
    return write_store(tmp_path_factory.mktemp("probe") / "store", ("en", "de"), {("toy", "train"): columns}, 30)


def test_a_stores_batches_hold_its_sentences(store: Store, tiny_config) -> None:
    config = tiny_config(len(store.vocabulary))
    batches = store_batches(store, "train", config, 3, tokens=200, seed=1)
    corpus = store.corpora("train")[0]
    held = {tuple(corpus.sentence(code, row)) for code in ("en", "de") for row in range(corpus.rows)}
    for batch in batches:
        assert batch.source.numel() <= 200 and batch.target.numel() <= 200
        for source, target in zip(batch.source.tolist(), batch.target.tolist(), strict=True):
            for row in (source, target):
                words = [token for token in row if token != PAD]
                assert store.vocabulary.is_tag(words[0]) and words[-1] == EOS and tuple(words[1:-1]) in held
    assert not torch.equal(batches[0].source[0], batches[1].source[0])


def test_a_split_that_is_not_there(store: Store, tiny_config) -> None:
    with pytest.raises(UserError, match="no split 'valid'"):
        store_batches(store, "valid", tiny_config(len(store.vocabulary)), 1, tokens=200, seed=1)
