"""Batches whose update was spoilt, kept for whoever wants to know why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mtdeep.durable import os_error, write_atomically

FOLDER = "spoilt_batches"
MOST = 20
"""Files of a process in the folder; a training that goes wrong for good must not fill the disk."""
logger = logging.getLogger(__name__)


def keep_batches(save_dir: Path, samples: Sequence[dict[str, Any]], updates: int, rank: int) -> Path | None:
    """Write an update's batches, as the task made them; returns the file, or None where there are many already.

    `torch.load` reads it: a list of batches, beside the number of updates before it. A disk that does not take it is a
    warning, since the training can do without.
    """
    folder = save_dir / FOLDER
    there = len([*folder.glob(f"*_process_{rank}_*.pt")])
    if there >= MOST:
        return None
    path = folder / f"after_{updates}_updates_process_{rank}_{there}.pt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda part: torch.save({"updates": updates, "batches": list(samples)}, part))
    except (OSError, RuntimeError) as problem:  # torch's, of a system's error
        error = os_error(problem)
        if error is None:
            raise
        logger.warning(f"{path}: cannot be written ({error.strerror}); the batch is not kept")
        return None
    return path
