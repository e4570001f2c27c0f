"""What a training was made with, in `run.json` beside its checkpoints: an entry for each time that it was started."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from mtdeep.durable import refusals_told, write_atomically
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask

NAME = "run.json"
PACKAGES = ("mtdeep", "fairseq", "torch", "numpy", "sentencepiece", "sacrebleu")
KEPT = 1000
"""Starts; of more the last ones."""
GIT_SECONDS = 5.0


def record_start(trainer: Any, checkpoint: str | None) -> None:
    """Add this start of a training to its record; *checkpoint* is what it goes on from, or None.

    A record that cannot be read, being someone else's, is left alone.
    """
    options = trainer.cfg.checkpoint
    if options.no_save:
        return
    path = Path(options.save_dir) / NAME
    starts: list[object] = []
    if path.exists():
        with suppress(ValueError, KeyError, TypeError):
            starts = list(json.loads(path.read_text(encoding="utf-8"))["starts"])
        if not starts:
            return
    starts.append(start(trainer, checkpoint))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"starts": starts[-KEPT:]}, indent=1, ensure_ascii=False, default=_plain)
    with refusals_told(path):
        write_atomically(path, lambda part: part.write_text(text + "\n", encoding="utf-8"))


def start(trainer: Any, checkpoint: str | None) -> dict[str, object]:
    """Return what there is to know of a training when it starts, as plain data."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "folder": os.getcwd(),
        "host": socket.gethostname(),
        "processes": trainer.data_parallel_world_size,
        "device": torch.cuda.get_device_name(trainer.device) if trainer.device.type == "cuda" else trainer.device.type,
        "goes_on_from": checkpoint,
        "updates": trainer.get_num_updates(),
        "parameters": sum(parameter.numel() for parameter in trainer.get_model().parameters()),
        "versions": {"python": platform.python_version(), **_versions()},
        "git": _git(),
        "data": _data(trainer.task),
        "configuration": OmegaConf.to_container(trainer.cfg, resolve=True, enum_to_str=True),
    }


def _plain(value: object) -> object:
    """Return the options of a model, which a command line keeps in a Namespace; of anything else its text."""
    return vars(value) if isinstance(value, Namespace) else str(value)


def _versions() -> Mapping[str, str]:
    found = {}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _data(task: Any) -> Mapping[str, object]:
    """Return where the data are, and for a store its digest, which tells one content from another."""
    digest = {"digest": task.store.digest} if isinstance(task, ManyToManyTranslationTask) else {}
    return {"path": str(getattr(task.cfg, "data", None)), **digest}


def _git() -> Mapping[str, object] | None:
    """Return the revision of the folder that the training was started in, and whether files differ from it."""
    try:
        revision, changes = (
            subprocess.run(
                ["git", *words], capture_output=True, text=True, timeout=GIT_SECONDS, check=True
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):  # no git, or no repository
        return None
    return {"revision": revision, "has_changes": bool(changes)}
