"""How a checkpoint came to be, as far as it records that; its types are checked once, where the file is read.

The dictionary is fairseq's and has no version. What we add to it has only ever grown, so that an entry that an earlier
revision did not write is one that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mtdeep.checkpoint.recorded_arguments import entries, model_arguments, task_arguments
from mtdeep.checkpoint.typed_entries import TypedEntries


@dataclass(frozen=True)
class TaskRecord:
    """What the task `many_to_many_translation` records of itself in every checkpoint, under `task_state`.

    vocabulary: digest of the store's dictionary; languages: those of the store; encoder_tag: whose tag the encoder
    sees, which the first revision recorded among the task's options alone.
    """

    vocabulary: str | None = None
    languages: tuple[str, ...] = ()
    encoder_tag: str | None = None

    @classmethod
    def of(cls, task_state: object) -> TaskRecord:
        """Read what `to_dict` of this or an earlier revision wrote; raises UserError for entries of another type."""
        state = TypedEntries({"task_state": task_state})
        recorded = TypedEntries(state.dictionary("task_state"))
        state.check()
        record = cls(recorded.text("vocabulary"), recorded.texts("languages"), recorded.text("encoder_tag"))
        recorded.check()
        return record

    def to_dict(self) -> dict[str, object]:
        """Return the record as plain data."""
        return {"vocabulary": self.vocabulary, "languages": list(self.languages), "encoder_tag": self.encoder_tag}


@dataclass(frozen=True)
class Provenance:
    """Where the weights come from; None is what the checkpoint does not record.

    architecture: the name after `--arch`; task: that after `--task`; updates: how many the training has made; data: the
    path that it was given, of several folders with colons between them; depth_rates: the rule of its rates, where it
    had one; encoder_tag, vocabulary, languages: of `TaskRecord`, where the task is `many_to_many_translation` or made
    from it; arguments: the model's, with all others beside them where a command line gave them.
    """

    architecture: str | None = None
    task: str | None = None
    updates: int | None = None
    data: str | None = None
    depth_rates: str | None = None
    encoder_tag: str | None = None
    vocabulary: str | None = None
    languages: tuple[str, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, object]) -> Provenance:
        """Read it from the dictionary of a checkpoint; raises UserError for entries of another type."""
        arguments, task = model_arguments(state), task_arguments(state)
        history = state.get("optimizer_history")
        last = entries(history[-1]) if isinstance(history, list) and history else {}
        recorded = TypedEntries(
            {
                "architecture": _first(arguments.get("arch"), arguments.get("_name")),
                "task": _first(task.get("_name"), arguments.get("task")),
                "updates": last.get("num_updates"),
                "depth_rates": last.get("depth_rates"),
                "data": _joined(_first(task.get("data"), arguments.get("data"))),
                "encoder_tag": _first(task.get("encoder_tag"), arguments.get("encoder_tag")),
            }
        )
        encoder_tag = recorded.text("encoder_tag")
        # A user's own task has a name of its own; what makes it one of ours is the option.
        record = TaskRecord() if encoder_tag is None else TaskRecord.of(state.get("task_state"))
        provenance = cls(
            architecture=recorded.text("architecture"),
            task=recorded.text("task"),
            updates=recorded.whole_number("updates"),
            data=recorded.text("data"),
            depth_rates=recorded.text("depth_rates"),
            encoder_tag=encoder_tag,
            vocabulary=record.vocabulary,
            languages=record.languages,
            arguments={name: value for name, value in arguments.items() if name != "mtdeep_config"},
        )
        recorded.check()
        return provenance


def _first(*values: object) -> object:
    """Return the first value that is given."""
    return next((value for value in values if value is not None), None)


def _joined(data: object) -> object:
    """Return the path of the data; older fairseq recorded a list of folders."""
    if isinstance(data, list) and all(isinstance(folder, str) for folder in data):
        return ":".join(data)
    return data
