"""Beam search against a step-by-step search without cache, an exhaustive search, and itself in other batches."""

from __future__ import annotations

import importlib
import itertools
import math

import pytest
import torch
from torch import Tensor

from mtdeep.decoding import Hypothesis, SearchOptions, beam_search
from mtdeep.nn import Config, EncoderDecoder, EncoderOutput

module = importlib.import_module("mtdeep.decoding.beam_search")  # the package has the function under this name
EOS, PAD = 2, 1
TAG = 4


def build(vocabulary: int, seed: int = 0, scheme: str = "preln", layers: int = 2, **changes: object) -> EncoderDecoder:
    torch.manual_seed(seed)
    values = {
        **Config(scheme="deepnorm", source_vocabulary_size=12, target_vocabulary_size=vocabulary).to_dict(),
        "scheme": scheme,
        "encoder_layers": layers,
        "decoder_layers": layers,
        "embed_dim": 16,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
        "encoder_heads": 2,
        "decoder_heads": 2,
        "scale_embedding": False,  # positions weigh more, or an untrained model repeats one token
        **changes,
    }
    model = EncoderDecoder(Config.from_dict(values)).double().eval()
    with torch.no_grad():  # wild weights, so that hypotheses differ in tokens, length and score
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=1.0)
    return model


def sources(lengths: list[int], seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.full((len(lengths), max(lengths)), PAD)
    for row, length in enumerate(lengths):
        tokens[row, : length - 1] = torch.randint(4, 12, (length - 1,), generator=generator)
        tokens[row, length - 1] = EOS
    return tokens


@torch.no_grad()
def decode(model: EncoderDecoder, tokens: Tensor, prefix: Tensor, options: SearchOptions) -> list[list[Hypothesis]]:
    return beam_search(model, model.encoder(tokens), prefix, options)


def log_probabilities(model: EncoderDecoder, output: EncoderOutput, tokens: list[int]) -> Tensor:
    """Log-probabilities after `</s>` and *tokens*, by full decoding."""
    features = model.decoder(torch.tensor([[EOS, *tokens]]), output)
    return model.decoder.output_projection(features)[0].log_softmax(dim=-1)


def tags(count: int, tag: int = TAG) -> Tensor:
    return torch.full((count, 1), tag)


def assert_same(found: list[Hypothesis], expected: list[Hypothesis], tolerance: float = 1e-10) -> None:
    assert [h.tokens.tolist() for h in found] == [h.tokens.tolist() for h in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.score == pytest.approx(other.score, abs=tolerance)
        torch.testing.assert_close(one.positional_scores, other.positional_scores, rtol=0, atol=tolerance)


@torch.no_grad()
@pytest.mark.parametrize("layers", [2, 100])
def test_beam_one_is_the_argmax_of_full_decoding(layers: int) -> None:
    model = build(12, layers=layers, scheme="preln" if layers < 100 else "deepnorm")
    lengths, limit = ([7, 4, 5], 20) if layers < 100 else ([5, 3], 8)
    tokens = sources(lengths)
    found = decode(model, tokens, tags(len(lengths)), SearchOptions(beam=1, max_length_b=limit))
    for row, length in enumerate(lengths):
        output = model.encoder(tokens[row : row + 1, :length])
        chosen, scores = [TAG], [float(log_probabilities(model, output, [])[-1, TAG])]
        while chosen[-1] != EOS:
            following = log_probabilities(model, output, chosen)[-1]
            following[PAD] = -math.inf
            best = EOS if len(chosen) == limit else int(following.argmax())
            chosen.append(best)
            scores.append(float(following[best]))
        (hypothesis,) = found[row]
        assert hypothesis.tokens.tolist() == chosen
        torch.testing.assert_close(
            hypothesis.positional_scores, torch.tensor(scores, dtype=torch.float64), rtol=0, atol=1e-10
        )
        assert hypothesis.score == pytest.approx(sum(scores) / len(scores), abs=1e-10)


@torch.no_grad()
@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.5])
def test_a_beam_as_wide_as_the_space_is_an_exhaustive_search(
    length_penalty: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(7)
    tokens, longest = sources([4]), 4
    output = model.encoder(tokens)
    alphabet = [token for token in range(7) if token not in (PAD, EOS)]
    scores: dict[tuple[int, ...], float] = {}
    for size in range(longest):  # tokens between the tag and `</s>`
        for middle in itertools.product(alphabet, repeat=size):
            sentence = [TAG, *middle, EOS]
            table = log_probabilities(model, output, sentence[:-1])
            total = sum(float(table[i, token]) for i, token in enumerate(sentence))
            scores[tuple(sentence)] = total / len(sentence) ** length_penalty
    options = SearchOptions(beam=len(scores), length_penalty=length_penalty, max_length_b=longest)
    # The beam is cut to the vocabulary's size, as fairseq does: lift that here, to keep every hypothesis.
    monkeypatch.setattr(module, "effective_beam", lambda decoder, options: options.beam)
    (found,) = decode(model, tokens, tags(1), options)
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    assert len(found) == len(ranked)
    assert [tuple(h.tokens.tolist()) for h in found] == [sentence for sentence, _ in ranked]
    assert [h.score for h in found] == pytest.approx([score for _, score in ranked], abs=1e-10)


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_batch_padding_and_order_change_nothing(beam: int) -> None:
    model = build(12, seed=3)
    lengths = [9, 3, 6, 3, 8, 2, 7, 5, 4, 6]
    tokens = sources(lengths)
    # Target languages mix in the batch; the limit follows each sentence's own length.
    prefix = torch.tensor([[4 + row % 3] for row in range(len(lengths))])
    options = SearchOptions(beam=beam, max_length_a=1.5, max_length_b=3)
    together = decode(model, tokens, prefix, options)
    order = torch.tensor([3, 9, 0, 1, 7, 2, 8, 6, 5, 4])
    shuffled = decode(model, tokens[order], prefix[order], options)
    for row, length in enumerate(lengths):
        (alone,) = decode(model, tokens[row : row + 1, :length], prefix[row : row + 1], options)
        assert len(alone) == beam
        assert_same(together[row], alone)
        assert_same(shuffled[order.tolist().index(row)], alone)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_removing_done_sentences_at_once_or_never_changes_nothing(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(12, seed=5)
    tokens = sources([9, 3, 6, 3, 8, 2, 7])
    options = SearchOptions(beam=3, max_length_a=2.0, max_length_b=2)
    expected = decode(model, tokens, tags(7), options)
    monkeypatch.setattr(module, "DONE_SHARE", share)
    for found, wanted in zip(decode(model, tokens, tags(7), options), expected, strict=True):
        assert_same(found, wanted)


def test_done_sentences_leave_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(12, seed=5)
    rows: list[int] = []
    forward = model.decoder.forward
    monkeypatch.setattr(model.decoder, "forward", lambda *given: rows.append(len(given[0])) or forward(*given))
    decode(model, sources([2, 3, 20, 20]), tags(4), SearchOptions(beam=2, max_length_a=1.0, max_length_b=0))
    assert rows[0] == 8
    assert rows == sorted(rows, reverse=True)
    assert rows[-1] < 8


def test_the_forced_token_counts_in_the_score() -> None:
    model = build(12)
    tokens = sources([5])
    options = SearchOptions(beam=2, max_length_b=10)
    for prefix in (torch.zeros(1, 0, dtype=torch.long), tags(1), torch.tensor([[TAG, 7, 8]])):
        ((best, _),) = decode(model, tokens, prefix, options)
        forced = prefix.size(1)
        assert best.tokens[:forced].tolist() == prefix[0].tolist()
        with torch.no_grad():
            table = log_probabilities(model, model.encoder(tokens), best.tokens[:-1].tolist())
        expected = table[torch.arange(len(best.tokens)), best.tokens]
        torch.testing.assert_close(best.positional_scores, expected, rtol=0, atol=1e-10)
        assert best.score == pytest.approx(float(expected.sum()) / len(best.tokens), abs=1e-10)
    assert len(best.tokens) > 1


def test_limits_hold_and_positions_bound_them() -> None:
    model = build(12, decoder_positions="learned", max_target_positions=6)
    with torch.no_grad():
        model.decoder.output_projection.weight[EOS] = 0  # hardly ever ends of itself
    found = decode(model, sources([5, 3]), tags(2), SearchOptions(beam=3, max_length_b=200))
    assert max(len(h.tokens) for hypotheses in found for h in hypotheses) == 6
    with pytest.raises(ValueError, match="no room"):
        decode(model, sources([5]), tags(1), SearchOptions(beam=3, max_length_b=0))


def test_a_model_that_diverged_ends_at_the_limit() -> None:
    model = build(12)
    with torch.no_grad():
        model.decoder.output_projection.weight.fill_(math.nan)
    assert decode(model, sources([5]), tags(1), SearchOptions(beam=3, max_length_b=5)) == [[]]


def test_options_without_sense_are_all_named() -> None:
    with pytest.raises(ValueError, match="beam 0 is below one") as raised:
        SearchOptions(beam=0, length_penalty=float("inf"), max_length_a=-1.0, max_length_b=-1)
    for name in ("beam", "length_penalty", "max_length_a", "max_length_b"):
        assert name in str(raised.value)
    with pytest.raises(ValueError, match="max_length_a nan"):
        SearchOptions(max_length_a=float("nan"))
