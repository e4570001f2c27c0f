from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest

from mtdeep.nn import Config
from mtdeep.nn.config import SchemeName
from mtdeep.nn.scheme import SCHEMES


def test_round_trip_through_json(small: Config) -> None:
    assert Config.from_dict(json.loads(json.dumps(small.to_dict()))) == small


def test_all_problems_in_one_message() -> None:
    with pytest.raises(ValueError, match="Config: ") as raised:
        Config(
            scheme="deepnrom",  # type: ignore[arg-type]
            source_vocabulary_size=10,
            target_vocabulary_size=12,
            encoder_layers=0,
            embed_dim=10,
            encoder_heads=4,
            decoder_heads=5,
            dropout=1.0,
            attention_dropout=-0.1,
            activation="tanh",  # type: ignore[arg-type]
            share_all_embeddings=True,
            padding_idx=11,
            scale_embedding=1,  # type: ignore[arg-type]
            decoder_positions="rotary",  # type: ignore[arg-type]
        )
    message = str(raised.value)
    for part in (
        "scheme 'deepnrom'",
        "encoder_layers 0",
        "embed_dim 10 is not a multiple of encoder_heads 4",
        "dropout 1.0",
        "attention_dropout -0.1",
        "activation 'tanh'",
        "share_all_embeddings",
        "padding_idx 11",
        "scale_embedding 1",
        "decoder_positions 'rotary'",
    ):
        assert part in message
    assert "decoder_heads" not in message


def test_unknown_and_missing_keys(small: Config) -> None:
    data = small.to_dict()
    data["encoder_layer"] = data.pop("encoder_layers")
    with pytest.raises(ValueError, match="unknown key 'encoder_layer'; missing key 'encoder_layers'"):
        Config.from_dict(data)


def test_wrong_types_are_problems_and_not_crashes() -> None:
    with pytest.raises(ValueError, match=r"embed_dim '512'.*dropout 'a'"):
        Config(scheme="postln", source_vocabulary_size=9, target_vocabulary_size=9, embed_dim="512", dropout="a")  # type: ignore[arg-type]


def test_sinusoids_need_four_dimensions() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        Config(
            scheme="postln",
            source_vocabulary_size=9,
            target_vocabulary_size=9,
            embed_dim=2,
            encoder_heads=1,
            decoder_heads=1,
        )


def test_frozen(small: Config) -> None:
    with pytest.raises(FrozenInstanceError):
        small.embed_dim = 3  # type: ignore[misc]


def test_every_scheme_has_its_row() -> None:
    assert set(SCHEMES) == set(SchemeName.__args__)  # type: ignore[attr-defined]
