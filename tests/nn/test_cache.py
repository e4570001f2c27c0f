"""Decoding step by step is decoding at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mtdeep.nn import Config, EncoderDecoder, EncoderOutput, LanguageModel

Build = Callable[..., EncoderDecoder]
Tokens = Callable[[int, int], Tensor]


def repeat(output: EncoderOutput, sentences: Tensor) -> EncoderOutput:
    mask = None if output.padding_mask is None else output.padding_mask[sentences]
    return EncoderOutput(output.states[sentences], mask)


@torch.no_grad()
@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({"scheme": "deepnorm", "decoder_layers": 100, "embed_dim": 8}, 8),
        ({"scheme": "preln"}, 40),  # beyond the first capacity
        ({"scheme": "postln", "decoder_positions": "learned", "max_target_positions": 9}, 9),
        ({"scheme": "deepnorm", "decoder_positions": "none"}, 8),
    ],
)
def test_step_by_step_equals_at_once(build: Build, tokens: Tokens, changes: dict[str, object], length: int) -> None:
    model = build(**changes).eval()
    source = tokens(3, 6)
    source[0, 4:] = 1
    encoded = model.encoder(source)
    cache = model.decoder.new_cache(encoded, rows_per_sentence=2)
    target = tokens(6, length)
    features = [model.decoder(target[:, :3], None, cache), model.decoder(target[:, 3:5], None, cache)]
    features += [model.decoder(target[:, t : t + 1], None, cache) for t in range(5, length)]
    assert (cache.sentences, cache.rows, cache.length) == (3, 6, length)
    whole = model.decoder(target, repeat(encoded, torch.arange(3).repeat_interleave(2)))
    assert (torch.cat(features, dim=1) - whole).abs().max() < 1e-10


@torch.no_grad()
def test_reorder_within_sentences_and_dropping_some(build: Build, tokens: Tokens) -> None:
    model = build(scheme="deepnorm", decoder_layers=100, embed_dim=8).eval()
    source = tokens(4, 6)
    source[1, :2] = 1
    encoded = model.encoder(source)
    rows_per_sentence = 3
    cache = model.decoder.new_cache(encoded, rows_per_sentence)
    sentences = torch.arange(4).repeat_interleave(rows_per_sentence)
    history = tokens(12, 2)
    model.decoder(history, None, cache)
    orders = [
        torch.tensor([2, 2, 0, 3, 4, 5, 8, 7, 6, 9, 9, 9]),
        torch.tensor([0, 1, 1, 8, 7, 6, 11, 10, 10]),  # sentence 1 is finished
        torch.tensor([5, 5, 5]),  # of what is left, the second alone goes on
    ]
    for order in orders:
        cache.reorder(order)
        history, sentences = history[order], sentences[order]
        history = torch.cat([history, tokens(len(order), 1)], dim=1)
        step = model.decoder(history[:, -1:], None, cache)
        whole = model.decoder(history, repeat(encoded, sentences))
        assert (step[:, 0] - whole[:, -1]).abs().max() < 1e-10
    assert sentences.tolist() == [2, 2, 2]


@torch.no_grad()
def test_cross_keys_are_kept_once_a_sentence(build: Build, tokens: Tokens) -> None:
    model = build().eval()
    cache = model.decoder.new_cache(model.encoder(tokens(3, 6)), rows_per_sentence=4)
    assert cache.cross.shape == (2, 2, 3, 2, 6, 8)
    before = cache.cross
    cache.reorder(torch.arange(12))
    assert cache.cross is before


def test_reorder_before_the_first_step_and_with_gradients_on(build: Build, tokens: Tokens) -> None:
    model = build().eval()
    encoded = model.encoder(tokens(3, 6))
    cache = model.decoder.new_cache(encoded)
    cache.reorder(torch.tensor([2, 0]))
    target = tokens(2, 3)
    step = model.decoder(target[:, :2], None, cache)
    cache.reorder(torch.tensor([1]))
    step = model.decoder(target[1:, 2:], None, cache)
    whole = model.decoder(target[1:], repeat(encoded, torch.tensor([0])))
    torch.testing.assert_close(step[:, -1], whole[:, -1], rtol=0, atol=1e-12)


@torch.no_grad()
def test_rows_of_different_sentences_do_not_mix(build: Build, tokens: Tokens) -> None:
    cache = build().decoder.new_cache(EncoderOutput(torch.randn(2, 5, 16).double(), None), rows_per_sentence=2)
    with pytest.raises(ValueError, match="must come from one sentence"):
        cache.reorder(torch.tensor([0, 2, 2, 3]))
    with pytest.raises(ValueError, match="rows_per_sentence 0"):
        build().decoder.new_cache(EncoderOutput(torch.randn(2, 5, 16).double(), None), rows_per_sentence=0)


@torch.no_grad()
def test_under_autocast(build: Build, tokens: Tokens) -> None:
    model = build().float().eval()
    source, target = tokens(2, 5), tokens(2, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        encoded = model.encoder(source)
        cache = model.decoder.new_cache(encoded)
        steps = [model.decoder(target[:, t : t + 1], None, cache) for t in range(4)]
        whole = model.decoder(target, encoded)
    assert cache.cross.dtype == torch.bfloat16
    torch.testing.assert_close(torch.cat(steps, dim=1).float(), whole.float(), atol=0.1, rtol=0)


@torch.no_grad()
def test_a_language_models_cache_under_autocast(small: Config) -> None:
    """It is in the type of what it keeps: a wider one would be twice as large and be cast at every step."""
    model = LanguageModel(replace(small, encoder_layers=0, decoder_positions="rotary")).eval()
    target = torch.randint(4, 40, (3, 40))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cache = model.decoder.new_source_free_cache(3)
        steps = [model.decoder(target[:, :5], None, cache)]
        steps += [model.decoder(target[:, t : t + 1], None, cache) for t in range(5, 40)]
        whole = model(target)
    assert cache.layer(0).store.dtype == torch.bfloat16
    assert model.decoder.new_source_free_cache(3).layer(0).store.dtype == torch.float32
    torch.testing.assert_close(torch.cat(steps, dim=1).float(), whole.float(), atol=0.1, rtol=0)
