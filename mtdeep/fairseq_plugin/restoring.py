"""A checkpoint is looked into before a training goes on with it.

fairseq shows a checkpoint's record to the task when a model is loaded to generate, but not when a training goes on, nor
under ``--reset-dataloader`` and ``--finetune-from-model``: tensors of the same shape would be read into another
function, with the tokens of another dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fairseq import checkpoint_utils
from fairseq.file_io import PathManager

from mtdeep.checkpoint.provenance import Provenance, TaskRecord
from mtdeep.checkpoint.read import model_config
from mtdeep.errors import UserError, in_file
from mtdeep.fairseq_plugin import depth_rates
from mtdeep.fairseq_plugin.branch_warm_up import agree_on_warm_up
from mtdeep.fairseq_plugin.deep_model import deep_model
from mtdeep.fairseq_plugin.ema import begin_with_weights
from mtdeep.fairseq_plugin.facts import agree_on_model, agree_on_task
from mtdeep.fairseq_plugin.going_on import whole_in_place_of
from mtdeep.fairseq_plugin.raised_by_all import of_the_first, raised_by_all
from mtdeep.fairseq_plugin.reading_options import DEFAULT_RESTORE_FILE, last_checkpoint
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask


def undamaged(trainer: Any, filename: str) -> str:
    """Return the file to go on with: in place of a damaged last one that nobody has named, the newest whole one."""
    options = trainer.cfg.checkpoint
    if _read_apart(trainer):
        return filename
    if options.restore_file != DEFAULT_RESTORE_FILE or Path(filename) != last_checkpoint(options):
        return filename
    with raised_by_all(trainer):
        looks = trainer.is_data_parallel_master or trainer.tpu
        first = str(whole_in_place_of(Path(filename), options)) if looks else filename
    return of_the_first(trainer, first)


@contextmanager
def agreeing(trainer: Any, filename: str) -> Iterator[None]:
    """Raise UserError where what fairseq reads from *filename* in the block does not belong to this training."""
    with _checked(trainer, filename), _same_parts(filename):
        yield


@contextmanager
def _checked(trainer: Any, filename: str) -> Iterator[None]:
    """Compare the state that fairseq reads on the way: a second reading would double the time.

    Where one process reads for all of them, the others wait for what it says of the file.
    """
    read = checkpoint_utils.load_checkpoint_to_cpu

    def read_and_compare(*arguments: Any, load_on_all_ranks: bool = False, **options: Any) -> dict[str, Any]:
        with nullcontext() if load_on_all_ranks else raised_by_all(trainer):
            state: dict[str, Any] = read(*arguments, load_on_all_ranks=load_on_all_ranks, **options)
            _compare(trainer, filename, state)
        if trainer.cfg.ema.store_ema:
            begin_with_weights(state, anew=not trainer.goes_on)
        return state

    if trainer.data_parallel_rank > 0 and not _all_read(trainer) and PathManager.isfile(filename):
        with raised_by_all(trainer):
            pass
    checkpoint_utils.load_checkpoint_to_cpu = read_and_compare
    try:
        yield
    finally:
        checkpoint_utils.load_checkpoint_to_cpu = read


def _compare(trainer: Any, filename: str, state: dict[str, Any]) -> None:
    """Raise UserError when a checkpoint contradicts this run; tasks and models of fairseq's are not compared.

    The state of its optimizer is put into the order of this run's.
    """
    if isinstance(trainer.task, ManyToManyTranslationTask):
        with in_file(filename):
            record = TaskRecord.of(state.get("task_state"))
        agree_on_task(record, trainer.task.record)
    model = deep_model(trainer.get_model())
    if model is not None:
        anew = not trainer.goes_on or state.get("last_optimizer_state") is None
        with in_file(filename):
            config, updates = model_config(state), Provenance.of(state).updates or 0
        agree_on_model(config, model.config)
        with in_file(filename):
            agree_on_warm_up(config, updates, model.config, anew=anew)
    if trainer.goes_on:
        with in_file(filename):
            depth_rates.take_over(state, trainer.cfg, trainer.get_model(), trainer.get_criterion())


def _all_read(trainer: Any) -> bool:
    """Whether every process reads the checkpoint; as fairseq has it."""
    return bool(trainer.cfg.checkpoint.load_checkpoint_on_all_dp_ranks or trainer.tpu or _read_apart(trainer))


def _read_apart(trainer: Any) -> bool:
    """Whether every process has a checkpoint of its own."""
    sharded = trainer.is_fsdp and trainer.cfg.distributed_training.use_sharded_state
    return bool(sharded or getattr(trainer.cfg.model, "base_layers", 0) > 0)


@contextmanager
def _same_parts(filename: str) -> Iterator[None]:
    """Raise a UserError where fairseq finds that model, criterion and optimizer are not those of the checkpoint."""
    try:
        yield
    except AssertionError as error:
        differ = re.match(r"(Criterion|Optimizer) does not match.* (\w+) vs (\w+)$", str(error))
        if differ is None:
            raise
        part, before, now = differ.groups()
        raise UserError(
            f"{filename}: its training had the {part.lower()} {before}, and this one has {now}: give the same, or "
            "start the optimizer anew with --reset-optimizer."
        ) from None
    except Exception as error:
        if type(error) is not Exception or not str(error).startswith("Cannot load model parameters"):
            raise
        raise UserError(
            f"{filename}: its tensors do not fit this model; give --arch and the sizes of its training, or another "
            "--save-dir."
        ) from None
