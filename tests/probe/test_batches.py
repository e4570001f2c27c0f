"""Batches of made-up sentences."""

from __future__ import annotations

import torch

from mtdeep.probe import made_up_batches

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


def test_another_made_up_source(candidate) -> None:
    batch = made_up_batches(candidate("deepnorm", 2).config, 1, tokens=100, seed=5)[0]
    own, other = batch.with_another_source()
    assert torch.equal(own.source, batch.source)
    assert torch.equal(other.source[1:], batch.source[:-1]) and torch.equal(other.source[0], batch.source[-1])
    assert torch.equal(other.target, batch.target) and torch.equal(other.previous, batch.previous)
    assert not any(torch.equal(a, b) for a, b in zip(other.source, batch.source, strict=True))
