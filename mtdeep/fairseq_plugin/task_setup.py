"""Setting up a task, in whichever command: a store goes with the task that reads stores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fairseq import tasks
from fairseq.tasks import TASK_REGISTRY, FairseqTask
from omegaconf import DictConfig, open_dict

from mtdeep.corpus.manifest import MANIFEST, SHARDS
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.options import RETIRED
from mtdeep.fairseq_plugin.tasks import reads_store

STOCK = "fairseq."
_original = tasks.setup_task


def setup_task(cfg: Any, **options: Any) -> FairseqTask:
    """Return the task of a configuration, which a checkpoint may have recorded.

    Raises UserError when a task of fairseq's own is given a store.
    """
    name = cfg.task if isinstance(getattr(cfg, "task", None), str) else getattr(cfg, "_name", None)
    task, data = TASK_REGISTRY.get(name), getattr(cfg, "data", None)
    if task is not None and task.__module__.startswith(STOCK) and isinstance(data, str):
        for path in data.split(os.pathsep):
            if is_store(Path(path)):
                raise UserError(
                    f"{path} is a store, which the task {name!r} cannot read; give --task many_to_many_translation, or "
                    "export it with `mtdeep store export-fairseq`."
                )
    if reads_store(name) and isinstance(cfg, DictConfig):
        with open_dict(cfg):
            for key in RETIRED:
                cfg.pop(key, None)
    return _original(cfg, **options)


def is_store(path: Path) -> bool:
    """Return whether a folder looks like a store."""
    return (path / MANIFEST).is_file() and (path / SHARDS).is_dir()


tasks.setup_task = setup_task
