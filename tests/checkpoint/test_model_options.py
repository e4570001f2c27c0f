"""An option of the model is one row, and each row sets a field."""

from __future__ import annotations

from dataclasses import fields

import pytest

from mtdeep.checkpoint.fairseq_arguments import config_from_arguments
from mtdeep.checkpoint.model_options import MODEL_OPTIONS, ModelOption
from mtdeep.nn import Config

# What no option of the model sets: the name of the architecture, the dictionaries and the task do.
SET_ELSEWHERE = {
    "scheme",
    "source_vocabulary_size",
    "target_vocabulary_size",
    "padding_idx",
    "max_source_positions",
    "max_target_positions",
}
OTHER_WORD = {"activation_fn": "gelu", "positions": "rotary", "shaping": "uspa"}


def test_each_option_has_one_row_and_each_row_a_field() -> None:
    names = [option.name for option in MODEL_OPTIONS]
    assert len(names) == len(set(names))
    assert {field for option in MODEL_OPTIONS for field in option.fields} == (
        {field.name for field in fields(Config)} - SET_ELSEWHERE
    )


def another_value(option: ModelOption) -> object:
    if option.is_switch:
        return True
    if option.choices:
        return OTHER_WORD[option.name]
    return 64 if option.number is int else 0.25


@pytest.mark.parametrize("option", MODEL_OPTIONS, ids=lambda option: option.name)
def test_each_option_sets_its_fields(option: ModelOption) -> None:
    value = another_value(option)
    arguments = {option.name: value}
    if option.name == "decoder_embed_dim":  # which is the encoder's, too
        arguments["encoder_embed_dim"] = value
    if option.name == "branch_warm_up":  # which needs skips
        arguments["skip_alpha"] = 0.5
    sizes = {"source_vocabulary_size": 9, "target_vocabulary_size": 9}
    config = config_from_arguments(arguments, **sizes, scheme="vanilla")
    default = Config(scheme="vanilla", **sizes)
    for field in option.fields:
        assert getattr(config, field) == (option.given if option.is_switch else value) != getattr(default, field)
