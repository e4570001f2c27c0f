"""The checkpoints that a training has left in its folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mtdeep.checkpoint.intact import is_intact
from mtdeep.checkpoint.provenance import Provenance
from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError

Kind = Literal["epoch", "update"]
NAMES: dict[Kind, re.Pattern[str]] = {
    "epoch": re.compile(r"checkpoint(\d+)\.pt"),
    "update": re.compile(r"checkpoint_\d+_(\d+)\.pt"),
}
"""fairseq's names of what ends an epoch, and of what ``--save-interval-updates`` asks for, with their number."""

WRITTEN = re.compile(r"checkpoint(\d+|_last|_best|_\d+_\d+|\.best_.+_\d+\.\d+)")
"""All that fairseq writes, without ``--checkpoint-suffix``; not an average, say."""


@dataclass(frozen=True, order=True)
class SavedTraining:
    """A checkpoint that was written to its end, and how many updates its training had made."""

    updates: int
    path: Path

    def __str__(self) -> str:
        """Return the file's name with the updates."""
        return f"{self.path.name} (update {self.updates:,})"


def whole_checkpoints(folder: Path, suffix: str = "") -> list[SavedTraining]:
    """Return the files in *folder* that are there to their end, those of most updates last.

    Of those that fairseq writes with ``--checkpoint-suffix`` *suffix*.
    """
    whole = []
    end = f"{suffix}.pt"
    for path in folder.glob("checkpoint*.pt"):
        if not (path.name.endswith(end) and WRITTEN.fullmatch(path.name.removesuffix(end))):
            continue
        try:
            state = load_plain(path)
            updates = Provenance.of(state).updates or 0
        except UserError:
            continue
        if "model" in state:
            whole.append(SavedTraining(updates, path))
    return sorted(whole)


def newest_intact(folder: Path, suffix: str = "") -> SavedTraining | None:
    """Return the checkpoint of most updates whose bytes are those that were written; None: there is none."""
    return next((each for each in reversed(whole_checkpoints(folder, suffix)) if is_intact(each.path)), None)


def latest(folder: Path, kind: Kind, count: int, upper_bound: int | None = None) -> list[Path]:
    """Return the last *count* checkpoints of epochs or updates, up to number *upper_bound*, in their order.

    As `--num-epoch-checkpoints`, `--num-update-checkpoints` and `--checkpoint-upper-bound` of fairseq's script; names
    decide alone. Raises UserError when there are fewer.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: not a folder; name that of a training.")
    named = [(path, NAMES[kind].fullmatch(path.name)) for path in folder.iterdir()]
    numbered = sorted((int(name[1]), path) for path, name in named if name is not None)
    paths = [path for number, path in numbered if upper_bound is None or number <= upper_bound]
    if len(paths) < count:
        bound = "" if upper_bound is None else f" up to {kind} {upper_bound}"
        raise UserError(f"{folder}: has {len(paths)} checkpoints of {kind}s{bound}, and {count} are to be averaged.")
    return paths[-count:]
