"""Loads checkpoints to translate with as fairseq does, and first compares what they were trained on with the task.

A task that is made of the command line reads any checkpoint whose tensors fit: without the tags that it was trained to
see, or with tags that it has never seen, a model translates into nonsense.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairseq import checkpoint_utils
from fairseq.file_io import PathManager
from fairseq.tasks import TASK_REGISTRY, FairseqTask
from fairseq.tasks.translation import TranslationTask

from mtdeep.checkpoint.provenance import TaskRecord
from mtdeep.errors import UserError, in_file
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask, reads_store
from mtdeep.fairseq_plugin.training_record import recorded_name

_original = checkpoint_utils.load_model_ensemble_and_task


def load_model_ensemble_and_task(
    filenames: Sequence[str],
    arg_overrides: dict[str, Any] | None = None,
    task: FairseqTask | None = None,
    strict: bool = True,
    suffix: str = "",
    num_shards: int = 1,
    state: dict[str, Any] | None = None,
) -> tuple[list[Any], Any, FairseqTask | None]:
    """Return (models, configuration of the last, task), as fairseq's function of this name, which is called a file.

    Raises UserError for a file that is not there, or whose training had another kind of task.
    """
    if num_shards > 1:  # parts of one model, which fairseq joins
        return _original(filenames, arg_overrides, task, strict, suffix, num_shards, state)
    models: list[Any] = []
    cfg: Any = None
    for filename in filenames:
        path = checkpoint_utils.get_maybe_sharded_checkpoint_filename(filename, suffix, 0, 1)
        if state is None:
            if not PathManager.exists(path):
                raise UserError(f"{path}: there is no such checkpoint; check its path.")
            state = checkpoint_utils.load_checkpoint_to_cpu(path, arg_overrides)
        if reads_store(recorded_name(state, "task")):
            with in_file(path):  # fairseq shows the record to the task, which does not know the file
                TaskRecord.of(state.get("task_state"))
        if task is not None:
            check_task(path, state, task)
        loaded, cfg, task = _original([filename], arg_overrides, task, strict, suffix, num_shards, state)
        models += loaded
        state = None
    return models, cfg, task


def check_task(path: str, state: Mapping[str, Any], task: FairseqTask) -> None:
    """Raise UserError when *task* shows a model tags that its training did not have, or the other way round."""
    name = recorded_name(state, "task")
    if isinstance(task, ManyToManyTranslationTask) and not reads_store(name):
        if name is not None and name not in TASK_REGISTRY:
            raise UserError(f"{path}: was trained with the task {name!r}, which is not known; name its --user-dir.")
        raise UserError(
            f"{path}: was trained with the task {name!r}, which has no language tags of ours; give that task and its "
            "data, or a checkpoint of many_to_many_translation."
        )
    if isinstance(task, TranslationTask) and reads_store(name):
        raise UserError(
            f"{path}: was trained with the task {name}, whose models need language tags; give that task and the store."
        )


checkpoint_utils.load_model_ensemble_and_task = load_model_ensemble_and_task
