"""Checkpoints: what is read, what is refused, and that nothing in them runs."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from argparse import Namespace
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq.logging.meters import AverageMeter, MetersDict
from omegaconf import OmegaConf

from mtdeep.checkpoint import Provenance, read_checkpoint
from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError
from mtdeep.nn import Config, EncoderDecoder

SMALL = {
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_embed_dim": 16,
    "decoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "decoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
}


def config(**changes: object) -> Config:
    values = {
        **Config(scheme="deepnorm", source_vocabulary_size=20, target_vocabulary_size=20).to_dict(),
        "encoder_layers": 2,
        "decoder_layers": 2,
        "embed_dim": 16,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
        "encoder_heads": 2,
        "decoder_heads": 2,
        **changes,
    }
    return Config.from_dict(values)


def state_of(model: EncoderDecoder, arguments: Namespace | dict[str, object]) -> dict[str, object]:
    """What fairseq's trainer writes, with numpy numbers among the metrics."""
    return {
        "args": None,
        "cfg": {
            "_name": None,
            "model": arguments,
            "task": {"_name": "many_to_many_translation", "data": "store", "encoder_tag": "tgt"},
        },
        "model": model.state_dict(),
        "criterion": None,
        "optimizer_history": [{"optimizer_name": "FairseqAdam", "num_updates": 42}],
        "task_state": {"languages": ["en", "de"]},
        "extra_state": {"best": np.float64(1.5), "count": np.int64(3), "loss": np.float32(2.0)},
        "last_optimizer_state": {"state": {}},
    }


def save(path: Path, state: object, **options: object) -> Path:
    torch.save(state, path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("as_namespace", [True, False])
@pytest.mark.parametrize("legacy", [True, False])
def test_reads_ours(tmp_path: Path, as_namespace: bool, legacy: bool) -> None:
    wanted = config()
    model = EncoderDecoder(wanted)
    arguments = {"arch": "deepnet_mt", "mtdeep_config": wanted.to_dict(), "lr": [0.1]}
    state = state_of(model, Namespace(**arguments) if as_namespace else arguments)
    path = save(tmp_path / "checkpoint.pt", state, _use_new_zipfile_serialization=not legacy)
    checkpoint = read_checkpoint(path)
    assert checkpoint.config == wanted
    assert checkpoint.provenance == Provenance(
        architecture="deepnet_mt",
        task="many_to_many_translation",
        updates=42,
        data="store",
        encoder_tag="tgt",
        languages=("en", "de"),
        arguments={"arch": "deepnet_mt", "lr": [0.1]},
    )
    built = checkpoint.model()
    assert not built.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(built.state_dict()[name], tensor), name


def test_reads_fairseq_transformer_with_its_duplicates(tmp_path: Path) -> None:
    wanted = config(scheme="preln", share_decoder_input_output_embed=True)
    model = EncoderDecoder(wanted)
    arguments = Namespace(
        arch="transformer_iwslt_de_en",
        encoder_normalize_before=True,
        decoder_normalize_before=True,
        share_decoder_input_output_embed=True,
        **SMALL,
    )
    state = state_of(model, arguments)
    tensors = dict(model.state_dict())
    for side in ("encoder", "decoder"):
        tensors[f"{side}.version"] = torch.Tensor([3])
        tensors[f"{side}.embed_positions._float_tensor"] = torch.zeros(1)
    for name in ("in_proj_weight", "in_proj_bias", "out_proj_weight", "fc1_weight", "fc2_bias"):
        tensors[f"encoder.layers.0.{name}"] = torch.zeros(3)
    state["model"] = tensors
    checkpoint = read_checkpoint(save(tmp_path / "checkpoint.pt", state))
    assert checkpoint.config == wanted
    assert checkpoint.tensors.keys() == model.state_dict().keys()
    checkpoint.model()


def test_reads_arguments_of_before_0_10(tmp_path: Path) -> None:
    model = EncoderDecoder(config(scheme="postln"))
    state = state_of(model, {})
    state |= {"cfg": None, "args": Namespace(arch="transformer", task="translation", **SMALL)}
    checkpoint = read_checkpoint(save(tmp_path / "checkpoint.pt", state))
    assert checkpoint.config == config(scheme="postln")
    assert checkpoint.provenance.task == "translation"


def test_tied_matrices_under_one_name_or_all(tmp_path: Path) -> None:
    tied = config(share_all_embeddings=True)
    model = EncoderDecoder(tied)
    arguments = {"arch": "deepnet_mt", "mtdeep_config": tied.to_dict()}
    state = state_of(model, arguments)
    tensors = dict(model.state_dict())
    assert read_checkpoint(save(tmp_path / "all.pt", state)).model()
    del tensors["decoder.embed_tokens.weight"], tensors["decoder.output_projection.weight"]
    built = read_checkpoint(save(tmp_path / "one.pt", {**state, "model": tensors})).model()
    assert torch.equal(built.decoder.output_projection.weight, tensors["encoder.embed_tokens.weight"])
    assert built.decoder.output_projection.weight is built.encoder.embed_tokens.weight
    tensors["decoder.output_projection.weight"] = torch.zeros_like(tensors["encoder.embed_tokens.weight"])
    with pytest.raises(UserError, match=r"values differ"):
        read_checkpoint(save(tmp_path / "differ.pt", {**state, "model": tensors})).model()


def test_tensors_that_do_not_fit_are_listed(tmp_path: Path) -> None:
    wanted = config()
    model = EncoderDecoder(wanted)
    state = state_of(model, {"arch": "deepnet_mt", "mtdeep_config": wanted.to_dict()})
    tensors = dict(model.state_dict())
    del tensors["encoder.layers.1.fc2.bias"]
    tensors["encoder.layers.7.fc2.bias"] = torch.zeros(16)
    tensors["decoder.layers.0.fc1.bias"] = torch.zeros(5)
    checkpoint = read_checkpoint(save(tmp_path / "checkpoint.pt", {**state, "model": tensors}))
    with pytest.raises(UserError) as caught:
        checkpoint.model()
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'checkpoint.pt'}: its tensors do not fit its configuration: ")
    assert "1 missing (encoder.layers.1.fc2.bias)" in message
    assert "1 unexpected (encoder.layers.7.fc2.bias)" in message
    assert "decoder.layers.0.fc1.bias (5,) instead of (32,)" in message


def good_bytes(tmp_path: Path) -> bytes:
    wanted = config()
    state = state_of(EncoderDecoder(wanted), {"arch": "deepnet_mt", "mtdeep_config": wanted.to_dict()})
    return save(tmp_path / "good.pt", state).read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda good: b"",
        lambda good: b"This is no checkpoint.\n" * 100,
        lambda good: np.random.default_rng(0).bytes(5000),
        lambda good: b"PK\x03\x04" + np.random.default_rng(0).bytes(5000),
        lambda good: good[: len(good) // 2],
        lambda good: good[:-1],
        lambda good: good[: len(good) // 2] + good[len(good) // 2 + 100 :],
    ],
    ids=["empty", "text", "random", "random zip", "half", "last byte gone", "middle gone"],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage(good_bytes(tmp_path)))
    with pytest.raises(UserError, match=re.escape(str(path))):
        read_checkpoint(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pt", tmp_path):
        with pytest.raises(UserError, match=re.escape(str(path))):
            read_checkpoint(path)


@pytest.mark.parametrize("state", [[1, 2], {"weights": 1}, {"model": {"a": 1}}, {"model": {"a": torch.zeros(1)}}])
def test_other_files_of_torch_are_refused(tmp_path: Path, state: object) -> None:
    with pytest.raises(UserError, match="no fairseq checkpoint"):
        read_checkpoint(save(tmp_path / "other.pt", state))


def test_other_architectures_and_configurations_are_refused(tmp_path: Path) -> None:
    model = EncoderDecoder(config())
    with pytest.raises(UserError, match="bart_base"):
        read_checkpoint(save(tmp_path / "bart.pt", state_of(model, {"arch": "bart_base"})))
    unknown = {**config().to_dict(), "gamma": 1.0}
    with pytest.raises(UserError, match="gamma"):
        read_checkpoint(save(tmp_path / "new.pt", state_of(model, {"arch": "x", "mtdeep_config": unknown})))
    arguments = {"arch": "transformer", "layernorm_embedding": True, **SMALL}
    with pytest.raises(UserError, match="layernorm_embedding"):
        read_checkpoint(save(tmp_path / "old.pt", state_of(model, arguments)))


class Hostile:
    """Runs a command when it is unpickled without care."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.victim}",)


@pytest.mark.parametrize("form", ["zip", "legacy", "plain pickle"])
def test_code_does_not_run(tmp_path: Path, form: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "checkpoint.pt"
    state = {"model": {"a": torch.zeros(1)}, "cfg": {"model": Hostile(victim)}}
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(state["cfg"]))
    else:
        save(path, state, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(UserError, match=re.escape(str(path))) as caught:
        read_checkpoint(path)
    assert not victim.exists()
    assert "\n" not in str(caught.value)
    if form != "plain pickle":  # torch refuses that one for its form, before it looks at names
        assert "system), which were not loaded" in str(caught.value)
    # The file is as dangerous as it looks: the standard library runs it.
    if form == "plain pickle":
        pickle.loads(path.read_bytes())
        assert victim.exists()


def test_code_hidden_behind_an_allowed_class_does_not_run(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "checkpoint.pt"
    save(path, {"model": {"a": torch.zeros(1)}, "cfg": {"model": Namespace(encoder_layers=Hostile(victim))}})
    with pytest.raises(UserError):
        read_checkpoint(path)
    assert not victim.exists()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's list of mapped files")
def test_tensors_are_mapped_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "good.pt"
    good_bytes(tmp_path)
    assert zipfile.is_zipfile(path)
    checkpoint = read_checkpoint(path)
    assert str(path) in Path("/proc/self/maps").read_text()
    assert checkpoint.model()


def test_what_was_allowed_before_stays_allowed(tmp_path: Path) -> None:
    """fairseq's patch allows the same classes for the whole process; reading must not take that back."""
    before = torch.serialization.get_safe_globals()
    torch.save({"cfg": Namespace(a=1)}, tmp_path / "plain.pt")
    torch.serialization.add_safe_globals([Namespace])
    try:
        load_plain(tmp_path / "plain.pt")
        assert Namespace in torch.serialization.get_safe_globals()
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def test_nothing_stays_allowed(tmp_path: Path) -> None:
    before = torch.serialization.get_safe_globals()
    good_bytes(tmp_path)
    read_checkpoint(tmp_path / "good.pt")
    assert torch.serialization.get_safe_globals() == before


def test_objects_of_libraries_that_are_not_loaded(tmp_path: Path, run_command) -> None:  # type: ignore[no-untyped-def]
    """Arguments as a program writes them that has read them with fairseq, and meters as in fairseq before 0.9."""
    wanted = config()
    state = state_of(EncoderDecoder(wanted), {"arch": "deepnet_mt", "mtdeep_config": wanted.to_dict(), "lr": [0.1]})
    state["cfg"] = OmegaConf.create(state["cfg"])
    meters = MetersDict()
    meters.add_meter("loss", AverageMeter(), 10)
    state["extra_state"] = {"train_meters": meters, "counts": defaultdict(int, a=1)}
    assert load_plain(save(tmp_path / "here.pt", state))["extra_state"]["counts"] == {"a": 1}  # type: ignore[index]
    torch.save(state, tmp_path / "checkpoint.pt")
    read = (
        "import sys; from mtdeep.checkpoint import read_checkpoint; checkpoint = read_checkpoint(sys.argv[1]); "
        "print(checkpoint.config.to_dict(), checkpoint.provenance, 'omegaconf' in sys.modules)"
    )
    result = run_command("python", "-c", read, tmp_path / "checkpoint.pt")
    assert result.returncode == 0, result.stderr
    # As a program writes it that has changed one part.
    parts = {**OmegaConf.to_container(state["cfg"]), "model": state["cfg"]["model"]}  # type: ignore[dict-item, index]
    save(tmp_path / "part.pt", {**state, "cfg": parts})
    assert run_command("python", "-c", read, tmp_path / "part.pt").stdout == result.stdout
    assert read_checkpoint(tmp_path / "part.pt").config == wanted
    here = read_checkpoint(save(tmp_path / "plain.pt", {**state, "cfg": OmegaConf.to_container(state["cfg"])}))
    assert result.stdout == f"{wanted.to_dict()} {here.provenance} False\n"
