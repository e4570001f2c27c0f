"""The checkpoints that a training has left in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtdeep.checkpoint.intact import load_intact
from mtdeep.checkpoint.provenance import Provenance
from mtdeep.errors import UserError


@dataclass(frozen=True, order=True)
class SavedTraining:
    """A checkpoint that is as it was written, to its end, and how many updates its training had made."""

    updates: int
    path: Path

    def __str__(self) -> str:
        """Return the file's name with the updates."""
        return f"{self.path.name} (update {self.updates:,})"


def whole_checkpoints(folder: Path) -> list[SavedTraining]:
    """Return the files ``checkpoint*.pt`` of *folder* that are checkpoints and whole, those of most updates last.

    Every byte of them is read.
    """
    whole = []
    for path in folder.glob("checkpoint*.pt"):
        try:
            state = load_intact(path)
            updates = Provenance.of(state).updates or 0
        except UserError:
            continue
        if "model" in state:
            whole.append(SavedTraining(updates, path))
    return sorted(whole)
