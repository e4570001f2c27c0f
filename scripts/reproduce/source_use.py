"""What a finished translation model does with its source: the loss with another sentence's, and its encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from mtdeep.checkpoint import read_checkpoint
from mtdeep.corpus import Store, parse_directions
from mtdeep.probe import store_batches
from mtdeep.probe.states import observe, run

BATCHES, TOKENS = 4, 2000  # of the validation split


@dataclass(frozen=True)
class SourceUse:
    """What the source is to a model.

    gap: by how many bits a token another sentence's raises the validation loss; spread: the standard deviation of the
    encoder's output over tokens, by its size.
    """

    gap: float
    spread: float


def source_use(checkpoint: Path, store: Path, directions: str) -> SourceUse:
    """Return both for some batches of the validation split."""
    opened = Store(store)
    model = read_checkpoint(checkpoint).model()
    chosen = parse_directions(directions, opened)
    batches = store_batches(opened, "valid", model.config, BATCHES, tokens=TOKENS, seed=1, directions=chosen)
    gaps = []
    for batch in batches:
        pair = batch.with_another_source()
        assert pair is not None, "validation has several sentences of each direction"
        own, other = (run(model, sentences)[1] for sentences in pair)
        gaps.append((other - own) / math.log(2))
    output = observe(model, batches[0]).states["encoder"].output
    assert output is not None
    return SourceUse(sum(gaps) / len(gaps), output.relative_spread)
