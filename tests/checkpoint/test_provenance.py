"""What checkpoints of every kind record of their training, and what is said of damaged records."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from mtdeep.checkpoint import Provenance, read_checkpoint
from mtdeep.checkpoint.provenance import TaskRecord
from mtdeep.errors import UserError
from mtdeep.nn import Config

MODEL = Config(scheme="deepnorm", source_vocabulary_size=20, target_vocabulary_size=20).to_dict()
TABLE = torch.zeros(20, 512)
TENSORS = {"encoder.embed_tokens.weight": TABLE, "decoder.embed_tokens.weight": TABLE}
DIGEST = "0123456789abcdef" * 2
OURS = {"_name": "many_to_many_translation", "data": "store", "encoder_tag": "tgt"}
RECORD = {"vocabulary": DIGEST, "languages": ["de", "en"], "encoder_tag": "tgt"}
OF_OURS = {
    "task": "many_to_many_translation",
    "data": "store",
    "encoder_tag": "tgt",
    "vocabulary": DIGEST,
    "languages": ("de", "en"),
}


def saved(path: Path, changes: Mapping[str, object]) -> Path:
    """Write a checkpoint of ours, changed."""
    state = {
        "args": None,
        "cfg": {"model": Namespace(arch="deepnet_mt", mtdeep_config=MODEL), "task": OURS},
        "model": TENSORS,
        "optimizer_history": [{"num_updates": 3}, {"num_updates": 42}],
        "task_state": RECORD,
    }
    torch.save({**state, **changes}, path)
    return path


def cfg(model: Mapping[str, object] | None = None, task: Mapping[str, object] | None = None) -> dict[str, object]:
    """The arguments of `saved`, some of the model's or the task's changed."""
    ours = {"arch": "deepnet_mt", "mtdeep_config": MODEL}
    return {"cfg": {"model": {**ours, **(model or {})}, "task": {**OURS, **(task or {})}}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, OF_OURS),
        # The first revision named the store, and the encoder's tag among the options alone; the next the model.
        ({"task_state": {"vocabulary": DIGEST, "languages": ["de", "en"], "store": "f" * 32}}, OF_OURS),
        ({"task_state": {**RECORD, "config": MODEL}}, OF_OURS),
        ({"task_state": {}}, {**OF_OURS, "vocabulary": None, "languages": ()}),
        # Of a configuration file, and of a task made from ours.
        (cfg(model={"arch": None, "_name": "deepnet_mt"}), OF_OURS),
        (cfg(task={"_name": "made_from_it"}), {**OF_OURS, "task": "made_from_it"}),
        ({"optimizer_history": [{"num_updates": np.int64(42)}]}, OF_OURS),
        # The last training's rule alone counts.
        (
            {"optimizer_history": [{"num_updates": 3}, {"num_updates": 42, "depth_rates": "adam"}]},
            {**OF_OURS, "depth_rates": "adam"},
        ),
        ({"optimizer_history": [{"num_updates": 3, "depth_rates": "adam"}, {"num_updates": 42}]}, OF_OURS),
        # Tasks of fairseq's, and one of a user's that gives our names to something else.
        (
            {**cfg(task={"_name": "translation", "data": "bin", "encoder_tag": None}), "task_state": {}},
            {"task": "translation", "data": "bin"},
        ),
        (
            {**cfg(task={"_name": "mine", "encoder_tag": None}), "task_state": {"vocabulary": {"a": 1}}},
            {"task": "mine", "data": "store"},
        ),
    ],
)
def test_checkpoints_of_our_architectures(
    tmp_path: Path, changes: dict[str, object], expected: dict[str, object]
) -> None:
    provenance = read_checkpoint(saved(tmp_path / "checkpoint.pt", changes)).provenance
    assert (provenance.architecture, provenance.updates) == ("deepnet_mt", 42)
    assert "mtdeep_config" not in provenance.arguments
    assert provenance == Provenance(architecture="deepnet_mt", updates=42, arguments=provenance.arguments, **expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Before 0.10 arguments are flat; much older ones have a list of folders, and no history may be there.
        (
            {"cfg": None, "args": Namespace(arch="transformer", task="translation", data="a:b")},
            Provenance("transformer", "translation", 42, "a:b"),
        ),
        (
            {"args": Namespace(arch="transformer", task="translation", data=["a", "b"]), "optimizer_history": []},
            Provenance("transformer", "translation", None, "a:b"),
        ),
        (
            {"cfg": {"model": {"_name": "transformer"}, "task": {"_name": "translation", "data": "bin"}}},
            Provenance("transformer", "translation", 42, "bin"),
        ),
    ],
)
def test_checkpoints_of_fairseqs_transformer(tmp_path: Path, changes: dict[str, object], expected: Provenance) -> None:
    path = saved(tmp_path / "checkpoint.pt", {"cfg": None, "task_state": None, **changes})
    provenance = read_checkpoint(path).provenance
    assert provenance.arguments
    assert provenance == Provenance(**{**vars(expected), "arguments": provenance.arguments})


def test_a_record_is_written_as_it_is_read() -> None:
    record = TaskRecord(DIGEST, ("de", "en"), "tgt")
    assert list(record.to_dict().items()) == list(RECORD.items())
    assert TaskRecord.of(record.to_dict()) == record


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (cfg(model={"arch": ["deepnet_mt"]}), "architecture is not a text but of type list"),
        (cfg(task={"_name": 3}), "task is not a text but of type int"),
        (cfg(task={"data": {}}), "data is not a text but of type dict"),
        (cfg(task={"data": ["a", torch.zeros(2)]}), "data is not a text but of type list"),
        (cfg(task={"encoder_tag": torch.zeros(2)}), "encoder_tag is not a text but of type Tensor"),
        (
            cfg(task={"_name": np.zeros(2), "encoder_tag": True}),
            "type bool; task is not a text but of type NumberArray",
        ),
        ({"optimizer_history": [{"num_updates": "42"}]}, "updates is not a whole number but of type str"),
        ({"optimizer_history": [{"num_updates": True}]}, "updates is not a whole number but of type bool"),
        ({"optimizer_history": [{"num_updates": torch.ones(2)}]}, "updates is not a whole number but of type Tensor"),
        ({"optimizer_history": [{"depth_rates": 7}]}, "depth_rates is not a text but of type int"),
        ({"task_state": [DIGEST]}, "task_state is not a dictionary but of type list"),
        ({"task_state": {**RECORD, "vocabulary": 7}}, "vocabulary is not a text but of type int"),
        ({"task_state": {**RECORD, "languages": "de"}}, "languages is not a list of texts but of type str"),
        ({"task_state": {**RECORD, "languages": ["de", 1]}}, "languages is not a list of texts but of type list"),
        (cfg(model={"mtdeep_config": {**MODEL, "embed_dim": torch.zeros(2, 2)}}), "is not one of this version"),
        (cfg(model={"mtdeep_config": {**MODEL, "scheme": np.zeros(2)}}), "is not one of this version"),
        (cfg(model={"mtdeep_config": [1, 2]}), "is not one of this version"),
        (cfg(model={"mtdeep_config": None, "arch": "transformer", "scale_fc": torch.zeros(2)}), "of this version"),
        (
            {
                **cfg(model={"mtdeep_config": None, "arch": "transformer"}),
                "model": {**TENSORS, "encoder.embed_tokens.weight": torch.tensor(1.0)},
            },
            "is not one of this version",
        ),
        ({"model": {**TENSORS, 7: TABLE}}, "it has no model with tensors"),
    ],
)
def test_damaged_records_are_told_in_one_sentence(tmp_path: Path, changes: dict[str, object], problem: str) -> None:
    path = saved(tmp_path / "bad.pt", changes)
    with pytest.raises(UserError) as caught:
        read_checkpoint(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ") and problem in sentence and "\n" not in sentence
