"""Our beam search finds what fairseq's SequenceGenerator finds, with fairseq's own transformer and with our model."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY, MODEL_REGISTRY, BaseFairseqModel
from fairseq.models.transformer import TransformerModel, base_architecture
from fairseq.sequence_generator import SequenceGenerator
from torch import Tensor

from mtdeep.checkpoint import read_checkpoint
from mtdeep.decoding import Hypothesis, SearchOptions, beam_search
from mtdeep.nn import EncoderDecoder

SENTENCES = [9, 3, 6, 3, 8, 2, 7, 5]
SIZES = {
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 24,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "max_source_positions": 64,
    "max_target_positions": 64,
    "no_scale_embedding": True,  # positions weigh more, or an untrained model repeats one token
}


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    dictionary = Dictionary()
    for i in range(16):
        dictionary.add_symbol(f"w{i}")
    return dictionary


def wild(model: BaseFairseqModel) -> BaseFairseqModel:
    """Give the model weights with which hypotheses differ in tokens, length and score."""
    torch.manual_seed(11)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=1.0)
    return model.double().eval()


def through_a_file(theirs: BaseFairseqModel, args: Namespace, path: Path) -> EncoderDecoder:
    """Save as fairseq's trainer does, read and build without fairseq."""
    torch.save({"cfg": {"model": args, "task": {"_name": "translation"}}, "model": theirs.state_dict()}, path)
    return read_checkpoint(path).model().double()


def sources(dictionary: Dictionary, left_padded: bool) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    tokens = torch.full((len(SENTENCES), max(SENTENCES)), dictionary.pad())
    for row, length in enumerate(SENTENCES):
        sentence = torch.randint(4, len(dictionary), (length,), generator=generator)
        sentence[-1] = dictionary.eos()
        place = slice(max(SENTENCES) - length, None) if left_padded else slice(0, length)
        tokens[row, place] = sentence
    return tokens


def assert_parity(
    theirs: BaseFairseqModel,
    ours: EncoderDecoder,
    dictionary: Dictionary,
    options: SearchOptions,
    prefix: Tensor | None,
    left_padded: bool,
) -> None:
    tokens = sources(dictionary, left_padded)
    generator = SequenceGenerator(
        [theirs],
        dictionary,
        beam_size=options.beam,
        len_penalty=options.length_penalty,
        max_len_a=options.max_length_a,
        max_len_b=options.max_length_b,
    )
    lengths = tokens.ne(dictionary.pad()).sum(dim=1)
    sample = {"net_input": {"src_tokens": tokens, "src_lengths": lengths}}
    expected = generator(sample, prefix_tokens=prefix)
    with torch.no_grad():
        output = ours.encoder(tokens)
    forced = torch.zeros(len(tokens), 0, dtype=torch.long) if prefix is None else prefix
    found = beam_search(ours, output, forced, options)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


def assert_same(found: list[Hypothesis], expected: list[dict[str, Tensor]]) -> None:
    assert [h.tokens.tolist() for h in found] == [h["tokens"].tolist() for h in expected]
    for one, other in zip(found, expected, strict=True):
        # fairseq takes logarithms and sums in float32.
        assert one.score == pytest.approx(float(other["score"]), abs=1e-5, rel=1e-6)
        torch.testing.assert_close(one.positional_scores, other["positional_scores"].double(), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("left_padded", [True, False])
@pytest.mark.parametrize("forced", [0, 1, 2])
@pytest.mark.parametrize(("beam", "length_penalty"), [(1, 1.0), (2, 0.0), (5, 1.0), (5, 1.8), (30, 1.0)])
def test_fairseq_transformer(
    dictionary: Dictionary, tmp_path: Path, beam: int, length_penalty: float, forced: int, left_padded: bool
) -> None:
    args = Namespace(**SIZES, arch="transformer", encoder_normalize_before=True, decoder_normalize_before=True)
    base_architecture(args)
    task = SimpleNamespace(source_dictionary=dictionary, target_dictionary=dictionary)
    theirs = wild(TransformerModel.build_model(args, task))
    ours = through_a_file(theirs, args, tmp_path / "checkpoint.pt")
    prefix = torch.tensor([[4 + row % 3, 9][:forced] for row in range(len(SENTENCES))]) if forced else None
    options = SearchOptions(beam=beam, length_penalty=length_penalty, max_length_b=14)
    assert_parity(theirs, ours, dictionary, options, prefix, left_padded)


@pytest.mark.parametrize("beam", [1, 4])
def test_our_architecture(dictionary: Dictionary, tmp_path: Path, beam: int) -> None:
    args = Namespace(**SIZES, arch="deepnet_mt")
    ARCH_CONFIG_REGISTRY["deepnet_mt"](args)
    task = SimpleNamespace(source_dictionary=dictionary, target_dictionary=dictionary)
    theirs = wild(MODEL_REGISTRY["deepnet_mt"].build_model(args, task))
    ours = through_a_file(theirs, args, tmp_path / "checkpoint.pt")
    prefix = torch.tensor([[4 + row % 3] for row in range(len(SENTENCES))])
    options = SearchOptions(beam=beam, max_length_b=14)
    assert_parity(theirs, ours, dictionary, options, prefix, left_padded=True)
