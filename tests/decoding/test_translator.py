"""Many directions from shared encodings give what each direction gives alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mtdeep.corpus import Vocabulary
from mtdeep.corpus.subwords import Subwords
from mtdeep.decoding import Hypothesis, SearchOptions, Translator, beam_search
from mtdeep.errors import UserError
from mtdeep.nn import EncoderDecoder

LINES = [
    "Two young men are outside near many bushes.",
    "A little girl climbing into a wooden playhouse.",
    "Several men in hard hats operate a giant pulley system.",
    "",
    "A man in a blue shirt is standing on a ladder cleaning a window.",
    "Two men are at the stove preparing food.",
]
OPTIONS = SearchOptions(beam=3, max_length_b=12)
TARGETS = ("de", "fr", "zh-Hans")


@pytest.fixture(scope="module")
def subwords(train_subwords) -> Subwords:
    return train_subwords(filter(None, LINES), ("en", *TARGETS), 60)[0]


@pytest.fixture(scope="module")
def model(subwords: Subwords, tiny_config) -> EncoderDecoder:
    torch.manual_seed(0)
    # Unscaled embeddings: positions weigh more, or an untrained model repeats one token.
    config = tiny_config(len(subwords.vocabulary), scheme="preln", max_source_positions=64, scale_embedding=False)
    model = EncoderDecoder(config).double()
    with torch.no_grad():  # wild weights, so that sentences and languages differ in what comes out
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=1.0)
    return model.eval()


def translator(
    model: EncoderDecoder, subwords: Subwords, encoder_tag: str = "src", batch_tokens: int = 4096
) -> Translator:
    return Translator(model, subwords.vocabulary, subwords, encoder_tag, batch_tokens=batch_tokens)


@torch.no_grad()
def alone(model: EncoderDecoder, subwords: Subwords, line: str, tag: str, target: str) -> list[Hypothesis]:
    """Translate one line into one language without any of the translator's batches."""
    vocabulary = subwords.vocabulary
    ids = [vocabulary.tag(tag), *subwords.encode([line])[0].tolist(), vocabulary.eos]
    prefix = torch.tensor([[vocabulary.tag(target)]])
    (found,) = beam_search(model, model.encoder(torch.tensor([ids])), prefix, OPTIONS)
    return found


@pytest.mark.parametrize("encoder_tag", ["src", "tgt"])
@pytest.mark.parametrize("batch_tokens", [1, 60, 200, 4096])
def test_batches_and_shared_encodings_change_nothing(
    model: EncoderDecoder, subwords: Subwords, encoder_tag: str, batch_tokens: int
) -> None:
    found = translator(model, subwords, encoder_tag, batch_tokens).translate(LINES, "en", TARGETS, OPTIONS)
    assert list(found) == list(TARGETS)
    for target in TARGETS:
        assert len(found[target]) == len(LINES)
        for line, translation in zip(LINES, found[target], strict=True):
            if not line:
                assert (translation.text, translation.tokens) == ("", ())
                continue
            best = alone(model, subwords, line, "en" if encoder_tag == "src" else target, target)[0]
            assert translation.tokens == tuple(best.tokens.tolist())
            assert translation.score == pytest.approx(best.score, abs=1e-10)
            assert translation.text == subwords.decode(best.tokens.tolist())


def test_targets_and_tags_matter(model: EncoderDecoder, subwords: Subwords) -> None:
    by_source = translator(model, subwords, "src").translate(LINES, "en", TARGETS, OPTIONS)
    by_target = translator(model, subwords, "tgt").translate(LINES, "en", TARGETS, OPTIONS)
    assert len({tuple(t.tokens[1:] for t in by_source[target]) for target in TARGETS}) == len(TARGETS)
    assert all(by_source[target] != by_target[target] for target in TARGETS)


def test_each_source_is_encoded_once(
    model: EncoderDecoder, subwords: Subwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    forward = model.encoder.forward

    def counted(tokens: Tensor) -> object:
        encoded.append(len(tokens))
        return forward(tokens)

    monkeypatch.setattr(model.encoder, "forward", counted)
    translator(model, subwords, "src", 60).translate(LINES, "en", TARGETS, OPTIONS)
    assert sum(encoded) == 5
    encoded.clear()
    translator(model, subwords, "tgt", 60).translate(LINES, "en", TARGETS, OPTIONS)
    assert sum(encoded) == 15


def test_only_what_is_wanted_is_translated(model: EncoderDecoder, subwords: Subwords) -> None:
    sentences = subwords.encode(LINES)
    wanted = {"de": [0, 2], "fr": [], "zh-Hans": [2, 4, 5]}
    batches = list(translator(model, subwords, batch_tokens=50).translate_ids(sentences, "en", wanted, OPTIONS))
    found = sorted((item.target, item.index) for batch in batches for item in batch)
    assert found == [("de", 0), ("de", 2), ("zh-Hans", 2), ("zh-Hans", 4), ("zh-Hans", 5)]
    for item in (item for batch in batches for item in batch):
        expected = alone(model, subwords, LINES[item.index], "en", item.target)
        assert [h.tokens.tolist() for h in item.hypotheses] == [h.tokens.tolist() for h in expected]


def test_progress_adds_up(model: EncoderDecoder, subwords: Subwords) -> None:
    steps: list[int] = []
    translator(model, subwords, batch_tokens=60).translate(LINES, "en", TARGETS, OPTIONS, steps.append)
    assert sum(steps) == len(LINES) * len(TARGETS)
    assert len(steps) > 1


def test_what_cannot_be_translated(model: EncoderDecoder, subwords: Subwords) -> None:
    with pytest.raises(UserError, match=r"Sentence 2 .* at most 62"):
        list(translator(model, subwords).translate_ids([np.array([5]), np.full(63, 5)], "en", {"de": [0, 1]}, OPTIONS))
    with pytest.raises(UserError, match="no tag"):
        translator(model, subwords).translate(LINES, "en", ["sw"], OPTIONS)
    other = Vocabulary(subwords.vocabulary.pieces, ("en", "de"))
    with pytest.raises(UserError, match="use the store that the model was trained on"):
        Translator(model, other, subwords)
    with pytest.raises(ValueError, match="encoder_tag"):
        translator(model, subwords, "both")
