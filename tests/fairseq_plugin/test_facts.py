"""Which differences between a checkpoint and a run matter."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from mtdeep.checkpoint.provenance import TaskRecord
from mtdeep.checkpoint.read import model_config
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.facts import agree_on_model, agree_on_task
from mtdeep.nn import Config

CONFIG = Config(scheme="postln", source_vocabulary_size=9, target_vocabulary_size=9, share_all_embeddings=True)


def compare(**changes: object) -> None:
    here = replace(CONFIG, **changes)  # type: ignore[arg-type]
    agree_on_model(CONFIG, here)


@pytest.mark.parametrize(
    "changes",
    [
        {"dropout": 0.3},
        {"checkpoint_activations": True},
        {"max_source_positions": 70, "max_target_positions": 80},  # of sinusoids
        {"share_all_embeddings": False, "share_decoder_input_output_embed": True},
    ],
)
def test_the_same_function(changes: dict[str, object]) -> None:
    if "share_decoder_input_output_embed" in changes:
        agree_on_model(
            replace(CONFIG, share_decoder_input_output_embed=True),
            replace(CONFIG, **changes),  # type: ignore[arg-type]
        )
    else:
        compare(**changes)


@pytest.mark.parametrize("changes", [{"scheme": "preln"}, {"encoder_heads": 4}, {"scale_embedding": False}])
def test_another_function(changes: dict[str, object]) -> None:
    (name,) = changes
    with pytest.raises(UserError, match=f"{name} was"):
        compare(**changes)


def test_tables_that_were_two_cannot_become_one() -> None:
    with pytest.raises(UserError, match="share_all_embeddings was False and is True"):
        agree_on_model(replace(CONFIG, share_all_embeddings=False), CONFIG)


def test_a_learned_table_has_its_number_of_rows() -> None:
    learned = replace(CONFIG, encoder_positions="learned")
    with pytest.raises(UserError, match="max_source_positions was 1024 and is 70"):
        agree_on_model(learned, replace(learned, max_source_positions=70))


def test_a_transformer_of_fairseqs_has_a_configuration_too() -> None:
    """Post-LN tensors have DeepNorm's names and shapes, and mean something else there."""
    table = torch.zeros(9, 512)
    state = {
        "args": Namespace(arch="transformer", share_all_embeddings=True),
        "model": {"encoder.embed_tokens.weight": table, "decoder.embed_tokens.weight": table},
    }
    saved = model_config(state)
    assert saved.scheme == "postln"
    with pytest.raises(UserError, match="scheme was 'postln' and is 'deepnorm'"):
        agree_on_model(saved, replace(CONFIG, scheme="deepnorm"))


def test_the_task_is_compared_as_far_as_it_is_recorded() -> None:
    """A checkpoint of fairseq's tasks records nothing of it, and one of the first revision no tag."""
    here = TaskRecord("0" * 32, ("de", "en"), "src")
    for saved in (here, TaskRecord(), TaskRecord("0" * 32, ("de",))):
        agree_on_task(saved, here)
    with pytest.raises(UserError, match=r"dictionary is not the one .* \(languages de, fr\); give the store"):
        agree_on_task(TaskRecord("1" * 32, ("de", "fr"), "src"), here)
    with pytest.raises(UserError, match="was trained with --encoder-tag tgt; give that option here too"):
        agree_on_task(replace(here, encoder_tag="tgt"), here)
