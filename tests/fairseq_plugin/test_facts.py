"""Which differences between a checkpoint and a run matter."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.facts import agree, checkpoint_facts
from mtdeep.nn import Config

CONFIG = Config(scheme="postln", source_vocabulary_size=9, target_vocabulary_size=9, share_all_embeddings=True)


def compare(**changes: object) -> None:
    here = replace(CONFIG, **changes)  # type: ignore[arg-type]
    agree({"config": CONFIG.to_dict()}, {"config": here.to_dict()})


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
        agree(
            {"config": replace(CONFIG, share_decoder_input_output_embed=True).to_dict()},
            {"config": replace(CONFIG, **changes).to_dict()},  # type: ignore[arg-type]
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
        agree({"config": replace(CONFIG, share_all_embeddings=False).to_dict()}, {"config": CONFIG.to_dict()})


def test_a_learned_table_has_its_number_of_rows() -> None:
    learned = replace(CONFIG, encoder_positions="learned")
    with pytest.raises(UserError, match="max_source_positions was 1024 and is 70"):
        agree({"config": learned.to_dict()}, {"config": replace(learned, max_source_positions=70).to_dict()})


def test_a_transformer_of_fairseqs_has_a_configuration_too() -> None:
    """Post-LN tensors have DeepNorm's names and shapes, and mean something else there."""
    table = torch.zeros(9, 512)
    state = {
        "args": Namespace(arch="transformer", share_all_embeddings=True),
        "model": {"encoder.embed_tokens.weight": table, "decoder.embed_tokens.weight": table},
    }
    saved = checkpoint_facts(state, wanted={"config"})
    assert saved["config"]["scheme"] == "postln"
    with pytest.raises(UserError, match="scheme was 'postln' and is 'deepnorm'"):
        agree(saved, {"config": replace(CONFIG, scheme="deepnorm").to_dict()})
    assert "config" not in checkpoint_facts({"args": Namespace(arch="lstm"), "model": {}}, wanted=())
