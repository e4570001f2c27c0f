"""Batches whose update was spoilt, kept for whoever wants to know why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mtdeep.durable import write_atomically

FOLDER = "spoilt_batches"
MOST = 20
"""Files in the folder; a training that goes wrong for good must not fill the disk."""


def keep_batches(save_dir: Path, samples: Sequence[dict[str, Any]], updates: int, rank: int) -> Path | None:
    """Write an update's batches, as the task made them; returns the file, or None where there are many already.

    `torch.load` reads it: a list of batches, beside the number of updates before it.
    """
    folder = save_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    there = len([*folder.glob("*.pt")])
    if there >= MOST:
        return None
    path = folder / f"after_{updates}_updates_process_{rank}_{there}.pt"
    write_atomically(path, lambda part: torch.save({"updates": updates, "batches": list(samples)}, part))
    return path
