"""What a checkpoint and the run that reads it must agree on: the model's configuration, and what the task records.

The task's record stands in its state, which fairseq writes into every checkpoint and shows to the task again when a
model is loaded to generate; when a training goes on, `trainer` looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fairseq.tasks import FairseqTask
from torch import nn

from mtdeep.checkpoint.read import recorded_config
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel, unwrapped
from mtdeep.nn import Config

Facts = Mapping[str, Any]
# What may differ in a model's configuration without making another function of the tensors.
FREE = frozenset({"dropout", "attention_dropout", "activation_dropout", "checkpoint_activations"})
# Tables that were one may become two, which start equal.
MAY_END = frozenset({"share_all_embeddings", "share_decoder_input_output_embed"})


def checkpoint_facts(state: Mapping[str, Any], wanted: Collection[str]) -> Facts:
    """Return what a checkpoint records, its model's configuration only if that is *wanted*.

    Raises UserError when the configuration is wanted, and is not one of ours or of fairseq's ``transformer``.
    """
    facts = dict(state.get("task_state") or {})
    return {**facts, "config": recorded_config(state).to_dict()} if "config" in wanted else facts


def run_facts(task: FairseqTask | None, model: nn.Module) -> Facts:
    """Return what holds in this run of fairseq; tasks and models that are not ours may have nothing to tell."""
    facts = dict(task.state_dict()) if task is not None else {}
    inner = unwrapped(model)
    return {**facts, "config": inner.config.to_dict()} if isinstance(inner, FairseqDeepModel) else facts


def agree(saved: Facts, here: Facts) -> None:
    """Raise UserError when two sets of facts contradict each other; what either lacks is passed over."""
    if _differ("vocabulary", saved, here):
        languages = ", ".join(saved.get("languages", ()))
        raise UserError(
            "the store's dictionary is not the one that this checkpoint was trained with "
            f"(languages {languages}); give the store of that training."
        )
    if _differ("encoder_tag", saved, here):
        raise UserError(
            f"this checkpoint was trained with --encoder-tag {saved['encoder_tag']}; give that option here too."
        )
    if _differ("config", saved, here):
        differences = list(_differences(saved["config"], here["config"]))
        if differences:
            raise UserError(
                f"the model is not the checkpoint's: {'; '.join(differences)}; give the options of that training."
            )


def _differ(fact: str, saved: Facts, here: Facts) -> bool:
    return fact in saved and fact in here and saved[fact] != here[fact]


def _differences(saved: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """Say which fields of two configurations make another function of the same tensors."""
    free = set(FREE)
    for side, limit in (("encoder", "max_source_positions"), ("decoder", "max_target_positions")):
        if here[f"{side}_positions"] != "learned":  # else it is the number of rows of a table
            free.add(limit)
    free |= {name for name in MAY_END if saved[name]}
    free |= Config.from_dict(saved).idle() & Config.from_dict(here).idle()
    for name, value in saved.items():
        if name not in free and here[name] != value:
            yield f"{name} was {value!r} and is {here[name]!r}"
