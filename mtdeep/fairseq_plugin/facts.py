"""What a checkpoint and the run that reads it must agree on.

The task keeps these facts in its state, which fairseq writes into every checkpoint, and shows to the task again when a
model is loaded to generate. It does not when a training goes on; there the training iterator, whose state comes back,
carries them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtdeep.errors import UserError

Facts = Mapping[str, Any]
# What a training may change when it goes on; everything else of a model's configuration makes another function.
MAY_CHANGE = frozenset({"dropout", "attention_dropout", "activation_dropout", "checkpoint_activations"})


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
        old, new = saved["config"], here["config"]
        differences = [
            f"{name} was {old[name]!r} and is {new.get(name)!r}"
            for name in old
            if name not in MAY_CHANGE and new.get(name) != old[name]
        ]
        if differences:
            raise UserError(
                f"the model is not the checkpoint's: {'; '.join(differences)}; give the options of that training."
            )


def _differ(fact: str, saved: Facts, here: Facts) -> bool:
    return fact in saved and fact in here and saved[fact] != here[fact]
