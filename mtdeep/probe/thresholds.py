"""From where on a model counts as one that hears its source: what the probe, a training and the reproductions ask.

The thresholds are not from theory: they lie between models that train and deep ones that do not (docs/probe.md,
docs/reproductions/depth.md).
"""

from __future__ import annotations

EQUAL_STATES = 0.01
"""Standard deviation over tokens, relative to the size of the states, below which they are the same for each token."""
BELOW_UNIGRAM = 0.5
"""Bits a token by which a model that has learnt something is below the unigram distribution of its targets."""
HEARD = 0.05
"""Bits a token by which another source must raise the loss of a model that has been trained for a while."""
SOURCE_UNHEARD = 0.01
"""Nats a token (0.014 bits) below which the probe's verdict is that a checkpoint, however young, hears no source."""
