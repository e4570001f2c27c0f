"""Our encoder-decoder in fairseq's clothes against fairseq's own."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY, MODEL_REGISTRY
from fairseq.models.transformer import TransformerModel, base_architecture

from mtdeep import nn as deep
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.models import FairseqDeepEncoderDecoder
from mtdeep.fairseq_plugin.stacks import FairseqDeepDecoder

SIZES = {
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 24,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "dropout": 0.0,
    "max_source_positions": 64,
    "max_target_positions": 64,
}


def fairseq_transformer(dictionary: Dictionary, pre_norm: bool, **options: object) -> TransformerModel:
    args = Namespace(**SIZES, **options, encoder_normalize_before=pre_norm, decoder_normalize_before=pre_norm)
    base_architecture(args)
    task = SimpleNamespace(source_dictionary=dictionary, target_dictionary=dictionary)
    return TransformerModel.build_model(args, task)


def ours_with_its_weights(theirs: TransformerModel, dictionary: Dictionary, scheme: str) -> FairseqDeepEncoderDecoder:
    config = deep.Config(
        scheme=scheme,
        source_vocabulary_size=len(dictionary),
        target_vocabulary_size=len(dictionary),
        encoder_layers=3,
        decoder_layers=2,
        embed_dim=16,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        encoder_heads=4,
        decoder_heads=4,
        dropout=0.0,
        encoder_positions="learned" if theirs.args.encoder_learned_pos else "sinusoidal",
        decoder_positions="learned" if theirs.args.decoder_learned_pos else "sinusoidal",
        max_source_positions=64,
        max_target_positions=64,
    )
    model = FairseqDeepEncoderDecoder(config, dictionary, dictionary)
    names = model.state_dict().keys()
    weights = {name: tensor for name, tensor in theirs.state_dict().items() if name in names}
    model.load_state_dict(weights, strict=True)
    return model


def batch(dictionary: Dictionary, left_padded: bool) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    src = torch.randint(4, len(dictionary), (3, 7))
    padding = slice(0, 3) if left_padded else slice(4, 7)
    src[1, padding] = dictionary.pad()
    previous = torch.randint(4, len(dictionary), (3, 5))
    previous[:, 0] = dictionary.eos()
    return {"src_tokens": src, "src_lengths": torch.tensor([7, 4, 7]), "prev_output_tokens": previous}


@pytest.mark.parametrize("left_padded", [True, False])
@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize(("scheme", "pre_norm"), [("postln", False), ("preln", True)])
def test_equals_fairseqs_transformer_with_its_weights(
    dictionary: Dictionary, scheme: str, pre_norm: bool, learned: bool, left_padded: bool
) -> None:
    torch.manual_seed(0)
    theirs = fairseq_transformer(
        dictionary, pre_norm, encoder_learned_pos=learned, decoder_learned_pos=learned
    ).double().eval()
    ours = ours_with_its_weights(theirs, dictionary, scheme).double().eval()
    inputs = batch(dictionary, left_padded)
    with torch.no_grad():
        expected, _ = theirs(**inputs)
        logits, _ = ours(**inputs)
    # fairseq computes its sinusoids and its attention scores through float32 in places.
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture
def model(dictionary: Dictionary) -> FairseqDeepEncoderDecoder:
    torch.manual_seed(0)
    config = deep.Config(
        scheme="deepnorm", source_vocabulary_size=len(dictionary), target_vocabulary_size=len(dictionary),
        encoder_layers=2, decoder_layers=3, embed_dim=16, encoder_ffn_dim=24, decoder_ffn_dim=24,
        encoder_heads=2, decoder_heads=2,
    )  # fmt: skip
    return FairseqDeepEncoderDecoder(config, dictionary, dictionary).double().eval()


def expand(
    model: FairseqDeepEncoderDecoder, inputs: dict[str, torch.Tensor], beams: int
) -> dict[str, list[torch.Tensor]]:
    encoder_out = model.encoder(inputs["src_tokens"], inputs["src_lengths"])
    order = torch.arange(len(inputs["src_tokens"])).repeat_interleave(beams)
    return model.encoder.reorder_encoder_out(encoder_out, order)


def test_incremental_decoding_follows_reordered_beams_and_dropped_sentences(
    dictionary: Dictionary, model: FairseqDeepEncoderDecoder
) -> None:
    inputs, beams = batch(dictionary, left_padded=True), 2
    with torch.no_grad():
        encoder_out = expand(model, inputs, beams)
        prefix = inputs["prev_output_tokens"].repeat_interleave(beams, 0)
        prefix[1::2, 1:] += 1
        state: dict[str, object] = {}
        model.decoder(prefix[:, :2], encoder_out=encoder_out, incremental_state=state)
        # Sentence 1 is finished; the beams of sentence 2 change places; sentence 0 keeps its second beam twice.
        order = torch.tensor([1, 1, 5, 4])
        model.decoder.reorder_incremental_state_scripting(state, order)
        encoder_out = model.encoder.reorder_encoder_out(encoder_out, order)
        prefix = prefix[order]
        incremental, _ = model.decoder(prefix[:, :4], encoder_out=encoder_out, incremental_state=state)
        full, _ = model.decoder(prefix[:, :4], encoder_out=encoder_out)
    torch.testing.assert_close(incremental, full[:, 2:], rtol=0, atol=1e-10)


def test_cross_attention_keys_exist_once_a_sentence(dictionary: Dictionary, model: FairseqDeepEncoderDecoder) -> None:
    inputs = batch(dictionary, left_padded=False)
    state: dict[str, deep.DecoderCache] = {}
    with torch.no_grad():
        model.decoder(
            torch.full((15, 1), dictionary.eos()), encoder_out=expand(model, inputs, 5), incremental_state=state
        )
    (cache,) = state.values()
    assert cache.sentences == 3
    assert cache.rows == 15


def test_a_search_with_unequal_groups_still_gets_the_right_states(
    dictionary: Dictionary, model: FairseqDeepEncoderDecoder
) -> None:
    inputs = batch(dictionary, left_padded=False)
    with torch.no_grad():
        encoder_out = model.encoder(inputs["src_tokens"], inputs["src_lengths"])
        order = torch.tensor([2, 0, 0])
        encoder_out = model.encoder.reorder_encoder_out(encoder_out, order)
        prefix = inputs["prev_output_tokens"]
        incremental, _ = model.decoder(prefix, encoder_out=encoder_out, incremental_state={})
        swapped = {**inputs, "src_tokens": inputs["src_tokens"][order], "src_lengths": inputs["src_lengths"][order]}
        full, _ = model(**swapped)
    torch.testing.assert_close(incremental, full, rtol=0, atol=1e-10)


def test_state_dict_has_fairseqs_names_only(dictionary: Dictionary, model: FairseqDeepEncoderDecoder) -> None:
    theirs = fairseq_transformer(dictionary, pre_norm=False)
    fast_path = ("_weight", "_bias")  # fairseq's duplicates for torch's fused layer
    expected = {n.split(".", 3)[-1] for n in theirs.state_dict() if n.startswith("encoder.layers.0.")}
    ours = {n.split(".", 3)[-1] for n in model.state_dict() if n.startswith("encoder.layers.0.")}
    assert ours == {n for n in expected if not n.endswith(fast_path)}
    assert isinstance(model.decoder, FairseqDeepDecoder)


DEEPNET: type[FairseqDeepEncoderDecoder] = MODEL_REGISTRY["deepnet_mt"]


def arguments(**given: object) -> Namespace:
    args = Namespace(max_source_positions=64, max_target_positions=64, **given)
    ARCH_CONFIG_REGISTRY["deepnet_mt"](args)
    return args


def test_build_model_records_the_configuration_as_plain_data(dictionary: Dictionary) -> None:
    args = arguments(encoder_layers=1, decoder_layers=2, encoder_embed_dim=16, share_all_embeddings=True)
    model = DEEPNET.build_model(args, SimpleNamespace(source_dictionary=dictionary, target_dictionary=dictionary))
    assert deep.Config.from_dict(args.mtdeep_config) == model.config
    assert model.config.decoder_layers == 2
    assert model.encoder.embed_tokens.weight is model.decoder.output_projection.weight


@pytest.mark.parametrize("value", [True, "True"])
def test_targets_padded_on_the_left_are_refused(dictionary: Dictionary, value: object) -> None:
    """Without a mask, which right padding does without, padding would be attended to and counted as positions."""
    task = SimpleNamespace(source_dictionary=dictionary, target_dictionary=dictionary)
    with pytest.raises(UserError, match="--left-pad-target"):
        DEEPNET.build_model(arguments(left_pad_target=value), task)


@pytest.mark.parametrize(("stack", "instead"), [("encoder", "deepnet_lm"), ("decoder", "deepnet_mlm")])
def test_a_translation_model_has_both_stacks(stack: str, instead: str, dictionary: Dictionary) -> None:
    task = SimpleNamespace(source_dictionary=dictionary, target_dictionary=dictionary)
    sentence = f"--{stack}-layers is 0, and deepnet_mt has both stacks; give --arch {instead}"
    with pytest.raises(UserError, match=sentence):
        DEEPNET.build_model(arguments(**{f"{stack}_layers": 0}), task)


def test_sharing_all_embeddings_needs_one_dictionary(dictionary: Dictionary) -> None:
    other = Dictionary()
    args = arguments(share_all_embeddings=True)
    with pytest.raises(UserError, match="--share-all-embeddings needs one dictionary"):
        DEEPNET.build_model(args, SimpleNamespace(source_dictionary=dictionary, target_dictionary=other))
