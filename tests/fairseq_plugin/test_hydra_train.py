"""Models from configuration files are those of the flags, and mistakes in such files are told in one sentence."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from fairseq.data import Dictionary
from fairseq.dataclass.initialize import add_defaults
from fairseq.models import ARCH_CONFIG_REGISTRY, ARCH_MODEL_REGISTRY, build_model
from fairseq.tasks import TASK_REGISTRY
from hydra.core.config_store import ConfigStore
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mtdeep.checkpoint import read_checkpoint
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.hydra_train import sentence

POSITIONS = {"max_source_positions": 70, "max_target_positions": 80}
OF_STACK = {
    "_mt": ("many_to_many_translation", POSITIONS, {"encoder_layers": 1, "decoder_layers": 2, "encoder_embed_dim": 16}),
    "_lm": ("language_modeling", {"tokens_per_sample": 60}, {"decoder_layers": 2, "decoder_embed_dim": 16}),
    "_mlm": (
        "masked_lm",
        {"tokens_per_sample": 60, "include_target_tokens": False},
        {"encoder_layers": 2, "encoder_embed_dim": 16},
    ),
}


def task_of(name: str, options: Mapping[str, object], dictionary: Dictionary) -> object:
    task = object.__new__(TASK_REGISTRY[name])
    task.dictionary = task.output_dictionary = dictionary
    task.cfg = OmegaConf.create({"_name": name, **options})
    return task


def built(arch: str, sizes: Mapping[str, object], dictionary: Dictionary) -> tuple[object, object]:
    """The configurations that flags and a file give, and that fairseq builds."""
    name, options, _ = next(parts for kind, parts in OF_STACK.items() if kind in arch)
    task = task_of(name, options, dictionary)
    flags = Namespace(arch=arch, max_target_positions=None, **sizes)
    vars(flags).update(options)
    ARCH_CONFIG_REGISTRY[arch](flags)
    file = OmegaConf.create({"_name": arch, **sizes, "positions": None})
    OmegaConf.set_struct(file, True)
    return build_model(flags, task).config, build_model(file, task).config


@pytest.mark.parametrize("arch", ["preln_mt", "deepnet_lm", "deepnet_mlm", "vanilla_mt", "vanilla_lm"])
def test_a_file_gives_the_model_that_flags_give(arch: str, dictionary: Dictionary) -> None:
    sizes = next(parts for kind, parts in OF_STACK.items() if arch.endswith(kind))[2]
    heads = {f"{name.partition('_')[0]}_attention_heads": 2 for name in sizes}
    inner = {f"{name.partition('_')[0]}_ffn_embed_dim": 24 for name in sizes}
    flags, file = built(arch, {**sizes, **heads, **inner, "dropout": 0.3}, dictionary)
    assert flags == file
    assert (file.embed_dim, file.dropout, file.max_target_positions) == (16, 0.3, 80 if "_mt" in arch else 60)


def test_a_preset_by_its_name(dictionary: Dictionary) -> None:
    flags, file = built("deepnet_mt_36", {"encoder_embed_dim": 16, "encoder_ffn_embed_dim": 16}, dictionary)
    assert flags == file
    assert (file.encoder_layers, file.decoder_layers, file.embed_dim) == (18, 18, 16)


def test_what_is_recorded_builds_the_same_model_whatever_task_reads_it(dictionary: Dictionary) -> None:
    """fairseq hands a checkpoint's own record to the task of the command that generates."""
    name, options, sizes = OF_STACK["_mt"]
    file = OmegaConf.create({"_name": "preln_mt", **sizes, "encoder_learned_pos": True, "encoder_attention_heads": 2})
    model = build_model(file, task_of(name, options, dictionary))
    recorded = OmegaConf.create(OmegaConf.to_container(file, resolve=True))
    assert OmegaConf.to_container(recorded.mtdeep_config) == model.config.to_dict()
    other = task_of(name, {"max_source_positions": 9, "max_target_positions": 9}, dictionary)
    assert build_model(recorded, other).config == model.config


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("encoder_layers", "two", "encoder_layers is 'two', but must be a whole number"),
        ("dropout", "0.x", "dropout is '0.x', but must be a number"),
        ("share_all_embeddings", "no", "share_all_embeddings is 'no', but must be true or false"),
        ("positions", "absolute", "absolute"),
    ],
)
def test_a_value_of_another_type(option: str, value: str, problem: str, dictionary: Dictionary) -> None:
    name, options, sizes = OF_STACK["_mt"]
    file = OmegaConf.create({"_name": "preln_mt", **sizes, option: value})
    with pytest.raises(UserError, match=problem):
        build_model(file, task_of(name, options, dictionary))


def test_every_architecture_is_a_group_of_configuration() -> None:
    """`fairseq-hydra-train model=deepnet_mt_36 model.encoder_layers=2`."""
    for name, model in ARCH_MODEL_REGISTRY.items():
        if model.__module__ == "mtdeep.fairseq_plugin.architectures":
            node = ConfigStore.instance().load(f"model/{name}.yaml").node
            assert node["_name"] == name
            assert set(node) == {"_name", *model.options()}


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"updates_per_epok": 3}, "task.updates_per_epok: Key 'updates_per_epok' not in 'ManyToManyTr"),
        ({"updates_per_epoch": "many"}, "task.updates_per_epoch: Value 'many' of type 'str' could not be converted to"),
    ],
)
def test_an_option_of_another_part_is_told_with_its_place(part: dict[str, object], problem: str) -> None:
    cfg = OmegaConf.create({"model": None, "task": {"_name": "many_to_many_translation", **part}})
    with pytest.raises(UserError) as told:
        add_defaults(cfg)
    assert str(told.value).startswith(f"the configuration is wrong at {problem}")
    assert "\n" not in str(told.value)


def test_what_hydra_finds_is_told_in_one_sentence() -> None:
    try:
        OmegaConf.merge(OmegaConf.structured(TASK_REGISTRY["translation"].__dict__["__dataclass"]), {"nope": 1})
    except OmegaConfBaseException as error:
        composed = ConfigCompositionException("Error merging 'mt' with schema")
        composed.__cause__ = error
        told = sentence(composed)
    assert told == (
        "the configuration is wrong at nope: Error merging 'mt' with schema; Key 'nope' not in 'TranslationConfig'."
    )
    with pytest.raises(yaml.YAMLError) as problem:
        yaml.safe_load("a: [1\nb: 2")
    assert sentence(problem.value).startswith("the configuration is not YAML: while parsing")
    assert "\n" not in sentence(problem.value)


CONFIGURATION = {
    "common": {"cpu": True, "log_format": "simple"},
    "task": {"_name": "many_to_many_translation", "updates_per_epoch": 4},
    "criterion": {"_name": "label_smoothed_linear_cross_entropy", "label_smoothing": 0.1},
    "dataset": {"max_tokens": 400},
    "optimization": {"max_update": 4, "lr": [0.005]},
    "optimizer": {"_name": "torch_adam"},
    "lr_scheduler": {"_name": "fixed"},
    "model": {"_name": "deepnet_mt_12", "encoder_layers": 2, "decoder_layers": 1, "encoder_embed_dim": 16},
}


@pytest.mark.slow
def test_a_configuration_trains_goes_on_and_generates(toy_store: Path, tmp_path: Path, run_command) -> None:
    (tmp_path / "mt.yaml").write_text("# @package _group_\n" + yaml.safe_dump(CONFIGURATION))
    own = (f"+task.data={toy_store}", f"checkpoint.save_dir={tmp_path / 'run'}", "+model.share_all_embeddings=true")
    train = ("fairseq-hydra-train", "--config-dir", tmp_path, "--config-name", "mt", *own)
    result = run_command(*train, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    last = tmp_path / "run" / "checkpoint_last.pt"
    config = read_checkpoint(last).config
    assert (config.encoder_layers, config.decoder_layers, config.embed_dim) == (2, 1, 16)
    assert config.share_all_embeddings and config.scheme == "deepnorm"
    result = run_command(*train, "optimization.max_update=6", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert read_checkpoint(last).provenance.updates == 6
    result = run_command(
        "fairseq-generate", toy_store, "--task", "many_to_many_translation", "-s", "en", "-t", "de", "--cpu", "--path",
        last, "--max-len-b", 5,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    for mistake, problem in (("+model.encoder_layer=2", "encoder_layers"), ("dataset.max_tokenss=3", "max_tokenss")):
        result = run_command(*train, mistake, cwd=tmp_path)
        assert result.returncode == 2, result.stderr
        assert result.stderr.splitlines()[-1].startswith("error: ")
        assert problem in result.stderr.splitlines()[-1]
        assert "Traceback" not in result.stderr
