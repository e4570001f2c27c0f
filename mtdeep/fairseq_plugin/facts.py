"""What a checkpoint and the run that reads it must agree on: what the task records, and the model's configuration.

The task's record stands in its state, which fairseq writes into every checkpoint and shows to the task again when a
model is loaded to generate; when a training goes on, `trainer` looks.
"""

from __future__ import annotations

from collections.abc import Iterator

from mtdeep.checkpoint.provenance import TaskRecord
from mtdeep.errors import UserError
from mtdeep.nn import Config

# What may differ in a model's configuration without making another function of the tensors. Whether a warm-up of the
# branches does depends on the updates, and `branch_warm_up` looks.
FREE = frozenset({"dropout", "attention_dropout", "activation_dropout", "checkpoint_activations", "branch_warm_up"})
# Tables that were one may become two, which start equal.
MAY_END = frozenset({"share_all_embeddings", "share_decoder_input_output_embed"})


def agree_on_task(saved: TaskRecord, here: TaskRecord) -> None:
    """Raise UserError when a checkpoint's record contradicts the task's; what it does not have is passed over."""
    if saved.vocabulary not in (None, here.vocabulary):
        raise UserError(
            "the store's dictionary is not the one that this checkpoint was trained with "
            f"(languages {', '.join(saved.languages)}); give the store of that training, or where this one has grown "
            "since then, let the checkpoint grow with mtdeep grow."
        )
    if saved.encoder_tag not in (None, here.encoder_tag):
        raise UserError(
            f"this checkpoint was trained with --encoder-tag {saved.encoder_tag}; give that option here too."
        )


def agree_on_model(saved: Config, here: Config) -> None:
    """Raise UserError when a checkpoint's configuration makes another function of its tensors than the run's."""
    if differences := list(_differences(saved, here)):
        raise UserError(
            f"the model is not the checkpoint's: {'; '.join(differences)}; give the options of that training."
        )


def _differences(saved: Config, here: Config) -> Iterator[str]:
    """Say which fields of two configurations make another function of the same tensors."""
    free = FREE | (saved.idle() & here.idle())
    before, now = saved.to_dict(), here.to_dict()
    for side, limit in (("encoder", "max_source_positions"), ("decoder", "max_target_positions")):
        if now[f"{side}_positions"] != "learned":  # else it is the number of rows of a table
            free |= {limit}
    free |= {name for name in MAY_END if before[name]}
    for name, value in before.items():
        if name not in free and now[name] != value:
            yield f"{name} was {value!r} and is {now[name]!r}"
