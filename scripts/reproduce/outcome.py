"""What came out of a training: its curves, and whether it diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fairseq_log import TrainingPoint, training_curve, training_seconds, validation_curve
from source_use import SourceUse
from sweep import LOG, Run, stopped_by, trained_with

from mtdeep.corpus import DirectionView, Store, Vocabulary, direction_views, parse_directions
from mtdeep.probe.thresholds import BELOW_UNIGRAM, EQUAL_STATES, HEARD

ABOVE_MINIMUM = 1.0  # bits a token
DEFINITION = (
    "A training counts as diverged (div.) when fairseq ended it because loss or gradients were not finite; or a loss "
    f"that it logged is not finite; or its last validation loss is not at least {BELOW_UNIGRAM:g} bits a token below "
    "that of the unigram distribution, which a model that heeds neither source nor prefix could reach (no progress); "
    f"or its last validation loss is {ABOVE_MINIMUM:g} bit or more above its lowest (lost again). One that has not "
    f"diverged, but whose validation loss another sentence's source raises by less than {HEARD:g} bits a token, has "
    "not heard its source (deaf): it goes on as a language model. If its encoder's states vary over tokens by less "
    f"than {EQUAL_STATES:g} of their size, there is nothing in them to be heard: its encoder is lost."
)


@dataclass(frozen=True)
class Outcome:
    """Losses are in bits a token, without label smoothing."""

    run: Run
    training: Sequence[TrainingPoint]
    validation: Sequence[tuple[int, float]]
    """(updates, loss)."""
    seconds: float
    """Wall clock, validation and saving included."""
    stopped: str | None
    """What fairseq ended the training with, before its end."""
    made_with: Sequence[str] = ()
    """Machine and versions."""
    source: SourceUse | None = None
    """What its source is to it, where there is one."""

    @classmethod
    def read(cls, run: Run, folder: Path) -> Outcome:
        """Read what a finished training has left in its folder."""
        log = folder / LOG
        validation = [(updates, loss) for _, updates, loss in validation_curve(log)]
        seconds, stopped = training_seconds(log), stopped_by(folder)
        return cls(run, training_curve(log), validation, seconds, stopped, trained_with(folder))

    @property
    def updates(self) -> int:
        """Updates that were made, as far as they were logged."""
        return max((point.updates for point in self.training), default=0)

    @property
    def losses(self) -> list[float]:
        """All losses that were logged, of training and of validation."""
        return [point.nll_loss for point in self.training] + [loss for _, loss in self.validation]

    @property
    def last_loss(self) -> float:
        """The last validation loss; NaN when the training ended before the first one."""
        return self.validation[-1][1] if self.validation else math.nan

    @property
    def largest_gradient(self) -> float:
        """The largest gradient norm, each an average over a log interval."""
        return max((point.gradient_norm for point in self.training), default=math.nan)

    def divergence(self, unigram: float) -> str | None:
        """Return why the training counts as diverged (DEFINITION), or None; *unigram* is `unigram_loss`'s."""
        if self.stopped is not None or not all(map(math.isfinite, self.losses)):
            return "not finite"
        if self.last_loss > unigram - BELOW_UNIGRAM:
            return "no progress"
        if self.last_loss >= min(loss for _, loss in self.validation) + ABOVE_MINIMUM:
            return "lost again"
        return None

    @property
    def deaf(self) -> bool:
        """Whether the source makes no difference (DEFINITION)."""
        return self.source is not None and self.source.gap < HEARD

    @property
    def lost(self) -> bool:
        """Whether the encoder says the same of every token (DEFINITION)."""
        return self.deaf and self.source is not None and self.source.spread < EQUAL_STATES


def unigram_loss(store: Store, directions: str) -> float:
    """Return the validation loss, in bits a token, of the training targets' token frequencies (each token once more).

    Tokens are counted as in the training loss: the tag and the end of the sentence too.
    """
    chosen = parse_directions(directions, store)
    train, valid = (
        np.sum([_target_counts(view, store.vocabulary) for view in direction_views(store, split, chosen)], axis=0)
        for split in ("train", "valid")
    )
    frequencies = (train + 1) / (train + 1).sum()
    return float(-(valid * np.log2(frequencies)).sum() / valid.sum())


def _target_counts(view: DirectionView, vocabulary: Vocabulary) -> np.ndarray:
    """Return (vocabulary,) int64."""
    counts = np.zeros(len(vocabulary), dtype=np.int64)
    for part, row in zip(*view.locate(np.arange(len(view))), strict=True):
        _, target = view.pair(int(part), int(row))
        counts += np.bincount(target, minlength=len(vocabulary))
    counts[vocabulary.eos] += len(view)
    counts[vocabulary.tag(view.direction.target)] += len(view)
    return counts
