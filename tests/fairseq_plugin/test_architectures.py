"""Presets are named by total depth; the command line wins over them."""

from __future__ import annotations

import pickle
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

import pytest
from fairseq.data import Dictionary
from fairseq.models import ARCH_CONFIG_REGISTRY, ARCH_MODEL_REGISTRY, register_model_architecture
from fairseq.tasks import TASK_REGISTRY
from omegaconf import OmegaConf

from mtdeep.checkpoint import config_from_arguments
from mtdeep.errors import UserError
from mtdeep.nn import Config
from mtdeep.nn.presets import PRESETS as FIELDS

# DESIGN: encoder + decoder layers, width, feed-forward width, heads.
PRESETS = {
    "deepnet_mt": (6, 6, 512, 2048, 8),
    "magneto_mt": (6, 6, 512, 2048, 8),
    "residual_mt": (6, 6, 512, 2048, 8),
    "rezero_mt": (6, 6, 512, 2048, 8),
    "dsinit_mt": (6, 6, 512, 2048, 8),
    "postln_mt": (6, 6, 512, 2048, 8),
    "preln_mt": (6, 6, 512, 2048, 8),
    "lns_mt": (6, 6, 512, 2048, 8),
    "periln_mt": (6, 6, 512, 2048, 8),
    "keel_mt": (6, 6, 512, 2048, 8),
    "b2t_mt": (6, 6, 512, 2048, 8),
    "vanilla_mt": (6, 6, 512, 2048, 8),
    "deepnet_mt_12": (6, 6, 512, 2048, 8),
    "deepnet_mt_36": (18, 18, 512, 2048, 8),
    "deepnet_mt_100": (50, 50, 512, 2048, 8),
    "deepnet_mt_200": (100, 100, 512, 2048, 8),
    "deepnet_mt_200_wide": (100, 100, 1024, 4096, 16),
    "deepnet_mt_1000": (500, 500, 512, 2048, 8),
}


def test_every_scheme_translates_and_models_language() -> None:
    names = {name.rsplit("_", 1)[0] for name in PRESETS if name.endswith("_mt")}
    assert {f"{name}_{kind}" for name in names for kind in ("mt", "lm", "mlm")} <= ARCH_CONFIG_REGISTRY.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_a_model_pickles_by_the_name_of_its_architecture(name: str) -> None:
    model = ARCH_MODEL_REGISTRY[name]
    assert model.__name__ == (name if name.endswith(("_mt", "lm")) else "deepnet_mt")
    assert pickle.loads(pickle.dumps(model)) is model


def test_skipless_networks_have_presets_of_their_own() -> None:
    """He et al. 2023: tailored activation, E-SPA, positions that leave the first kernel alone, no dropout."""
    args = Namespace()
    ARCH_CONFIG_REGISTRY["vanilla_lm"](args)
    assert (args.activation_fn, args.shaping, args.positions, args.dropout) == ("tailored", "espa", "rotary", 0.0)


@pytest.mark.parametrize(("name", "expected"), PRESETS.items())
def test_preset(name: str, expected: tuple[int, ...]) -> None:
    args = Namespace()
    ARCH_CONFIG_REGISTRY[name](args)
    found = (args.encoder_layers, args.decoder_layers, args.decoder_embed_dim, args.decoder_ffn_embed_dim)
    assert (*found, args.decoder_attention_heads) == expected


def test_the_command_line_wins_and_the_decoder_follows_the_encoder() -> None:
    args = Namespace(encoder_embed_dim=64, decoder_layers=7)
    ARCH_CONFIG_REGISTRY["deepnet_mt_36"](args)
    assert (args.encoder_layers, args.decoder_layers, args.decoder_embed_dim) == (18, 7, 64)


@pytest.mark.parametrize("name", [name for name in FIELDS if "_mt" in name])
def test_a_preset_is_the_same_without_fairseq(name: str) -> None:
    args = Namespace()
    ARCH_CONFIG_REGISTRY[name](args)
    sizes = {"source_vocabulary_size": 9, "target_vocabulary_size": 9}
    scheme = ARCH_MODEL_REGISTRY[name].scheme
    assert config_from_arguments(vars(args), **sizes, scheme=scheme) == Config.from_dict({**FIELDS[name], **sizes})


@pytest.mark.parametrize("name", ["deepnet_mt", "deepnet_lm", "deepnet_mlm"])
def test_every_option_of_a_model_is_a_flag(name: str) -> None:
    model, parser = ARCH_MODEL_REGISTRY[name], ArgumentParser(add_help=False)
    model.add_args(parser)
    assert parser.parse_args([]) == Namespace(**{option: parser.get_default(option) for option in model.options()})


def test_a_stack_on_its_own_has_no_flags_of_the_other() -> None:
    of_kind = {kind: ARCH_MODEL_REGISTRY[f"preln_{kind}"].options() for kind in ("mt", "lm", "mlm")}
    assert not any(option.startswith("encoder_") for option in of_kind["lm"])
    assert not any(option.startswith("decoder_") for option in of_kind["mlm"])
    assert of_kind["lm"] | of_kind["mlm"] | {"share_all_embeddings"} == of_kind["mt"]


SMALL = {"layers": 1, "embed_dim": 16, "ffn_embed_dim": 32, "attention_heads": 2}


@pytest.mark.parametrize("name", [name for name in FIELDS if name.endswith("lm")])
def test_a_stack_on_its_own_is_the_same_without_fairseq(name: str, dictionary: Dictionary) -> None:
    kind, stack = ("language_modeling", "decoder") if name.endswith("_lm") else ("masked_lm", "encoder")
    task = object.__new__(TASK_REGISTRY[kind])
    task.dictionary = task.output_dictionary = dictionary
    args = Namespace(max_target_positions=None, tokens_per_sample=1024, include_target_tokens=False)
    vars(args).update({f"{stack}_{size}": value for size, value in SMALL.items()})
    ARCH_CONFIG_REGISTRY[name](args)
    built = ARCH_MODEL_REGISTRY[name].build_model(args, task)
    sizes = {"source_vocabulary_size": len(dictionary), "target_vocabulary_size": len(dictionary)}
    small = {f"{stack}_layers": 1, "embed_dim": 16, f"{stack}_ffn_dim": 32, "encoder_heads": 2, "decoder_heads": 2}
    expected = Config.from_dict({**FIELDS[name], **sizes, **small}).to_dict()
    # fairseq ties the tables of a masked model under the name of the decoder's too, and a lone stack has one width.
    ignored = {"share_decoder_input_output_embed", "decoder_ffn_dim" if stack == "encoder" else "encoder_ffn_dim"}
    found = {field: value for field, value in built.config.to_dict().items() if field not in ignored}
    assert found == {field: value for field, value in expected.items() if field not in ignored}


def own_sizes(args: object) -> None:
    """As old user directories have it for fairseq's transformer: sizes alone, the rest is the base's."""
    args.encoder_layers = getattr(args, "encoder_layers", 1)  # type: ignore[attr-defined]
    args.encoder_embed_dim = getattr(args, "encoder_embed_dim", 24)  # type: ignore[attr-defined]
    args.decoder_layers = getattr(args, "decoder_layers", 3)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def own_architecture() -> Iterator[str]:
    register_model_architecture("preln_mt", "own_mt")(own_sizes)
    yield "own_mt"
    del ARCH_MODEL_REGISTRY["own_mt"], ARCH_CONFIG_REGISTRY["own_mt"]


@pytest.mark.parametrize("form", [lambda **given: Namespace(**given), lambda **given: OmegaConf.create(given)])
def test_an_architecture_of_the_users_own_may_set_sizes_alone(
    own_architecture: str, form: Callable[..., object], dictionary: Dictionary
) -> None:
    task = object.__new__(TASK_REGISTRY["many_to_many_translation"])
    task.dictionary, task.cfg = dictionary, OmegaConf.create({})
    given = {"decoder_layers": 2, "encoder_attention_heads": 2, "max_source_positions": 70, "max_target_positions": 80}
    built = task.build_model(form(_name=own_architecture, **given))
    expected = task.build_model(Namespace(_name="preln_mt", **given, encoder_layers=1, encoder_embed_dim=24))
    assert built.config == expected.config
    assert (built.config.encoder_layers, built.config.decoder_layers, built.config.embed_dim) == (1, 2, 24)


def test_one_that_is_not_known_here_asks_for_the_user_dir(dictionary: Dictionary) -> None:
    task = object.__new__(TASK_REGISTRY["many_to_many_translation"])
    with pytest.raises(UserError, match="the architecture 'my_mt' is not known here; give the --user-dir"):
        task.build_model(Namespace(_name="my_mt", arch="my_mt"))
