"""How far the training had come that a checkpoint is of: what can be expected of it."""

from __future__ import annotations

from dataclasses import dataclass

from mtdeep.checkpoint import Provenance


@dataclass(frozen=True)
class Age:
    """Updates made, and the updates of warm-up; None is what the checkpoint does not record.

    fairseq records the warm-up beside the model's arguments where these came from a command line.
    """

    updates: int | None = None
    warmup: int | None = None

    @classmethod
    def of(cls, provenance: Provenance) -> Age:
        """Read it from what a checkpoint records."""
        warmup = provenance.arguments.get("warmup_updates")
        return cls(provenance.updates, warmup if isinstance(warmup, int) else None)

    @property
    def in_warmup(self) -> bool:
        """Whether the warm-up was not over; where it is not recorded, it was."""
        return self.updates is not None and self.warmup is not None and self.updates < self.warmup

    def __str__(self) -> str:
        if self.updates is None:
            return "after an unknown number of updates"
        return f"after {self.updates:,} updates{f' of {self.warmup:,} of warm-up' if self.in_warmup else ''}"
