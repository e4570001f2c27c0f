"""What a checkpoint records: the names of its parts, and which options are read, as fairseq takes them."""

from __future__ import annotations

from argparse import Namespace

import pytest
from fairseq.dataclass.utils import merge_with_parent
from fairseq.models.transformer_lm import TransformerLanguageModelConfig
from omegaconf import OmegaConf

from mtdeep.fairseq_plugin.training_record import TrainingRecord, recorded_name


def test_names_of_old_and_new_checkpoints() -> None:
    assert recorded_name({"cfg": {"task": {"_name": "translation"}}, "args": None}, "task") == "translation"
    assert recorded_name({"cfg": {"task": Namespace(_name="translation", task="translation")}}, "task") == "translation"
    assert recorded_name({"args": Namespace(task="translation")}, "task") == "translation"
    assert recorded_name({"args": Namespace(arch="transformer")}, "model") == "transformer"
    assert recorded_name({"cfg": {"criterion": None}}, "criterion") is None
    assert recorded_name({}, "task") is None


@pytest.mark.parametrize(("option", "read"), [("decoder_layers_to_keep", True), ("decoder_layers_to_kepe", False)])
def test_a_model_that_declares_its_options_reads_no_others(option: str, read: bool) -> None:
    """fairseq drops them before it builds the model, those of an earlier version that the record has included."""
    options = {"_name": "transformer_lm", "dropout": 0.1, option: "0,2"}
    kept = merge_with_parent(TransformerLanguageModelConfig(), OmegaConf.create(options), remove_missing=True)
    assert (option in kept) == read
    record = TrainingRecord({"cfg": {"model": options}})
    assert record.is_read(("model", option)) == read
    assert not record.may_be_read(("model", option))


def test_a_flag_may_bear_the_name_of_a_group() -> None:
    record = TrainingRecord({"args": Namespace(arch="transformer", task="translation", criterion="cross_entropy")})
    assert any(map(record.is_read, record.changed(["task"])))
    assert not any(map(record.is_read, record.changed(["model"])))
    assert not any(map(record.may_be_read, record.changed(["model"])))


def test_flags_of_a_model_that_is_not_ours_may_all_be_read() -> None:
    """Pruning looks for its flags in the record itself, whatever the model declares."""
    flags = Namespace(_name="transformer_lm", arch="transformer_lm", encoder_layers_to_keep=None)
    record = TrainingRecord({"cfg": {"model": flags}})
    assert record.is_read(("model", "encoder_layers_to_keep"))
    assert not record.is_read(("model", "dropuot"))
    assert record.may_be_read(("model", "dropuot"))
