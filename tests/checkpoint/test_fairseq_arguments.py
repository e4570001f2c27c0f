"""fairseq's flags -> Config."""

from __future__ import annotations

import pytest

from mtdeep.checkpoint.fairseq_arguments import UNSUPPORTED, config_from_arguments, transformer_scheme
from mtdeep.errors import UserError
from mtdeep.nn import Config


def convert(arguments: dict[str, object], scheme: str = "deepnorm") -> Config:
    return config_from_arguments(arguments, source_vocabulary_size=50, target_vocabulary_size=60, scheme=scheme)


def test_every_flag_reaches_its_field() -> None:
    config = convert(
        {
            "encoder_layers": 3,
            "decoder_layers": 4,
            "encoder_embed_dim": 24,
            "decoder_embed_dim": 24,
            "encoder_ffn_embed_dim": 48,
            "decoder_ffn_embed_dim": 72,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 3,
            "dropout": 0.2,
            "attention_dropout": 0.3,
            "activation_dropout": 0.4,
            "activation_fn": "gelu",
            "encoder_learned_pos": True,
            "decoder_learned_pos": False,
            "no_scale_embedding": True,
            "share_decoder_input_output_embed": True,
            "max_source_positions": 100,
            "max_target_positions": 200,
            "checkpoint_activations": True,
            "residual_alpha": 0.5,
            "residual_scale": 0.05,
        }
    )
    assert config == Config(
        scheme="deepnorm",
        source_vocabulary_size=50,
        target_vocabulary_size=60,
        encoder_layers=3,
        decoder_layers=4,
        embed_dim=24,
        encoder_ffn_dim=48,
        decoder_ffn_dim=72,
        encoder_heads=2,
        decoder_heads=3,
        dropout=0.2,
        attention_dropout=0.3,
        activation_dropout=0.4,
        activation="gelu",
        encoder_positions="learned",
        decoder_positions="sinusoidal",
        scale_embedding=False,
        share_decoder_input_output_embed=True,
        max_source_positions=100,
        max_target_positions=200,
        checkpoint_activations=True,
        residual_alpha=0.5,
        residual_scale=0.05,
    )


def test_defaults_are_those_of_fairseq_transformer() -> None:
    # fairseq 0.12.2, transformer_legacy.base_architecture and TransformerConfig.
    assert convert({}, "postln") == Config(scheme="postln", source_vocabulary_size=50, target_vocabulary_size=60)


def test_none_takes_the_default() -> None:
    config = convert({"max_source_positions": None, "max_target_positions": None, "encoder_ffn_embed_dim": None})
    assert (config.max_source_positions, config.max_target_positions, config.encoder_ffn_dim) == (1024, 1024, 2048)


def test_older_names_are_understood() -> None:
    config = convert({"relu_dropout": 0.3, "max_positions": 77, "no_token_positional_embeddings": True})
    assert config.activation_dropout == 0.3
    assert (config.max_source_positions, config.max_target_positions) == (77, 77)
    assert (config.encoder_positions, config.decoder_positions) == ("none", "none")


def test_layer_drop_and_wrapping_change_no_function() -> None:
    assert convert({"encoder_layerdrop": 0.2, "min_params_to_wrap": 1, "tie_adaptive_weights": True}) == convert({})


def test_every_problem_is_in_one_message() -> None:
    with pytest.raises(UserError) as caught:
        convert(
            {
                "adaptive_softmax_cutoff": [100],
                "layernorm_embedding": True,
                "quant_noise_pq": 0.1,
                "decoder_embed_dim": 256,
                "activation_fn": "swish",
                "dropout": "much",
            }
        )
    message = str(caught.value)
    for part in (
        "adaptive_softmax_cutoff is not supported",
        "layernorm_embedding is not supported",
        "quant_noise_pq is not supported",
        "decoder_embed_dim is 256, but must equal encoder_embed_dim, 512",
        "activation_fn is 'swish'",
        "dropout is 'much'",
    ):
        assert part in message
    assert message.count("\n") == 0


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_unsupported_options_pass_only_when_off(name: str) -> None:
    assert convert({name: UNSUPPORTED[name]}) == convert({name: None}) == convert({})
    with pytest.raises(UserError, match=name):
        convert({name: "something"})


def test_values_without_sense_are_the_users_to_mend() -> None:
    with pytest.raises(UserError, match="heads"):
        convert({"encoder_attention_heads": 7})


def test_scheme_of_fairseq_transformer() -> None:
    assert transformer_scheme({}) == "postln"
    assert transformer_scheme({"encoder_normalize_before": True, "decoder_normalize_before": True}) == "preln"
    with pytest.raises(UserError, match="differ"):
        transformer_scheme({"encoder_normalize_before": True})
    with pytest.raises(UserError, match="no_decoder_final_norm"):
        convert({"no_decoder_final_norm": True}, "preln")


def test_contradictions_are_told_together_with_everything_else() -> None:
    arguments = {"positions": "rotary", "encoder_learned_pos": True, "dropout": 2.0, "activation_fn": "tailored"}
    with pytest.raises(UserError) as raised:
        config_from_arguments(
            arguments, source_vocabulary_size=9, target_vocabulary_size=9, scheme="deepnorm", known_problems=["first"]
        )
    message = str(raised.value)
    for part in (
        "first; ",
        "--encoder-learned-pos and --positions rotary contradict each other",
        "dropout 2.0 is not",
        "activation 'tailored' is made for scheme 'vanilla'",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        ({"positions": "rotary", "no_token_positional_embeddings": True}, ("rotary", "rotary")),
        ({"positions": "learned", "encoder_learned_pos": True}, ("learned", "learned")),
        ({"decoder_learned_pos": True}, ("sinusoidal", "learned")),
    ],
)
def test_positions_said_in_two_ways_that_agree(arguments: dict[str, object], kinds: tuple[str, str]) -> None:
    config = config_from_arguments(arguments, source_vocabulary_size=9, target_vocabulary_size=9, scheme="preln")
    assert (config.encoder_positions, config.decoder_positions) == kinds
