from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, dataclass, fields

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
            encoder_layers=-1,
            embed_dim=10,
            encoder_heads=4,
            decoder_heads=5,
            dropout=1.0,
            attention_dropout=-0.1,
            activation="tanh",  # type: ignore[arg-type]
            share_all_embeddings=True,
            padding_idx=11,
            scale_embedding=1,  # type: ignore[arg-type]
            decoder_positions="rotatory",  # type: ignore[arg-type]
        )
    message = str(raised.value)
    for part in (
        "scheme 'deepnrom'",
        "encoder_layers -1",
        "embed_dim 10 is not a multiple of encoder_heads 4",
        "dropout 1.0",
        "attention_dropout -0.1",
        "activation 'tanh'",
        "share_all_embeddings",
        "padding_idx 11",
        "scale_embedding 1",
        "decoder_positions 'rotatory'",
    ):
        assert part in message
    assert "decoder_heads" not in message


def test_unknown_and_missing_keys(small: Config) -> None:
    data = small.to_dict()
    data["encoder_layer"] = data.pop("encoder_layers")
    data["zzz"] = 1
    del data["scheme"], data["source_vocabulary_size"]
    with pytest.raises(ValueError, match="unknown key") as raised:
        Config.from_dict(data)
    assert str(raised.value) == (
        "Config: unknown key 'encoder_layer' (did you mean 'encoder_layers'?); unknown key 'zzz'; "
        "missing key 'scheme'; missing key 'source_vocabulary_size'"
    )


# What checkpoints of the first version hold, with every field at its default but the first three. Never edit it.
FIRST = {
    "scheme": "deepnorm",
    "source_vocabulary_size": 40,
    "target_vocabulary_size": 50,
    "padding_idx": 1,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "embed_dim": 512,
    "encoder_ffn_dim": 2048,
    "decoder_ffn_dim": 2048,
    "encoder_heads": 8,
    "decoder_heads": 8,
    "activation": "relu",
    "dropout": 0.1,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "encoder_positions": "sinusoidal",
    "decoder_positions": "sinusoidal",
    "max_source_positions": 1024,
    "max_target_positions": 1024,
    "scale_embedding": True,
    "share_decoder_input_output_embed": False,
    "share_all_embeddings": False,
    "checkpoint_activations": False,
}
REQUIRED = ("scheme", "source_vocabulary_size", "target_vocabulary_size")


def test_checkpoints_of_the_first_version_stay_readable() -> None:
    found = Config.from_dict(FIRST)
    assert {name: found.to_dict()[name] for name in FIRST} == FIRST
    # What a key means when it is not there does not change either.
    assert Config.from_dict({name: FIRST[name] for name in REQUIRED}) == found


def test_a_field_that_is_added_leaves_older_checkpoints_readable() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Later(Config):
        experts: int = 1

    assert Later.from_dict(FIRST).experts == 1


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_required_stays_required(name: str) -> None:
    with pytest.raises(ValueError, match=f"missing key '{name}'"):
        Config.from_dict({key: value for key, value in FIRST.items() if key != name})


def test_wrong_types_are_problems_and_not_crashes() -> None:
    with pytest.raises(ValueError, match=r"embed_dim '512'.*dropout 'a'"):
        Config(scheme="postln", source_vocabulary_size=9, target_vocabulary_size=9, embed_dim="512", dropout="a")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [field.name for field in fields(Config)])
def test_every_field_says_what_it_may_be(name: str, small: Config) -> None:
    with pytest.raises(ValueError, match=rf"{name} \[\] is "):
        Config.from_dict({**small.to_dict(), name: []})


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("encoder_layers", (0, 1), (-1, False, 1.0)),
        ("encoder_heads", (1, 2), (0, -1, True, 2.0)),
        ("padding_idx", (0, 5), (-1, 1.0)),
        ("dropout", (0, 0.0, 0.99), (1, 1.0, -0.01, False, float("nan"))),
        ("skip_alpha", (0.0, 0.99), (1.0, -0.01)),
        ("residual_scale", (1e-9, 1, 1e9), (0.0, -1.0, float("inf"), float("nan"), True)),
        ("espa_gamma", (1e-6, 10), (9e-7, 10.1, 0.0)),
        ("branch_warm_up", (None, 1, 1000), (0, -1, 0.5, 1.0, True)),
        ("branch_norm", (True, False), (1, 0, "True")),
    ],
)
def test_bounds(name: str, allowed: tuple[object, ...], refused: tuple[object, ...], small: Config) -> None:
    for value in allowed:
        assert getattr(Config.from_dict({**small.to_dict(), name: value}), name) == value
    for value in refused:
        with pytest.raises(ValueError, match=f"{name} {value!r} is "):
            Config.from_dict({**small.to_dict(), name: value})


OF_VANILLA = {"shaping", "skip_alpha", "branch_norm"}
OF_RESIDUAL = {"residual_alpha", "residual_scale"}
OF_SHAPINGS = {"espa_gamma", "uspa_rho"}
OF_PRELN = {"tuned_depth"}


@pytest.mark.parametrize(
    ("scheme", "shaping", "idle"),
    [
        ("deepnorm", "none", OF_PRELN | OF_VANILLA | OF_RESIDUAL | OF_SHAPINGS),
        ("deepnorm", "uspa", OF_PRELN | OF_VANILLA | OF_RESIDUAL | OF_SHAPINGS),
        ("preln", "none", OF_VANILLA | OF_RESIDUAL | OF_SHAPINGS),
        ("residual", "none", OF_PRELN | OF_VANILLA | OF_SHAPINGS),
        ("vanilla", "none", OF_PRELN | OF_RESIDUAL | OF_SHAPINGS),
        ("vanilla", "espa", OF_PRELN | OF_RESIDUAL | {"uspa_rho"}),
        ("vanilla", "uspa", OF_PRELN | OF_RESIDUAL | {"espa_gamma"}),
        ("vanilla", "value_skipinit", OF_PRELN | OF_RESIDUAL | OF_SHAPINGS),
    ],
)
def test_fields_of_other_schemes_are_idle(scheme: str, shaping: str, idle: set[str], small: Config) -> None:
    assert Config.from_dict({**small.to_dict(), "scheme": scheme, "shaping": shaping}).idle() == idle


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


def test_no_later_default_changes() -> None:
    """A key that an older checkpoint lacks has its default; those of the first version's keys are compared above.

    Among these are ResiDual's weights (arXiv 2304.14802, section 3.1) and E-SPA's last gamma (2302.10322).
    """
    later = {field.name: field.default for field in fields(Config) if field.name not in FIRST}
    assert later == {
        "residual_alpha": 1.0,
        "residual_scale": 1.0,
        "shaping": "none",
        "espa_gamma": 0.005,
        "uspa_rho": 0.8,
        "skip_alpha": 0.0,
        "branch_norm": False,
        "tuned_depth": 0,
        "branch_warm_up": None,
    }
