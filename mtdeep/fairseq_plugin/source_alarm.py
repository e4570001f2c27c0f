"""When a training does not hear its source, and what helps: a function of what validations have shown, and words.

A DeepNorm model can lose its encoder in its first hundreds of updates, and its loss falls on, as a language model's
does (docs/training.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from mtdeep.nn.factors import DepthRates
from mtdeep.probe.thresholds import BELOW_UNIGRAM, EQUAL_STATES, HEARD

IN_A_ROW = 2
"""Validations that an alarm takes at least."""


@dataclass(frozen=True)
class SourceUse:
    """What the source is to a model at a validation.

    spread: standard deviation of the encoder's states over tokens, by their size. own, other: the loss with each
    sentence's own source and with another one's. unigram: the loss of the unigram distribution of the targets. Losses
    are in bits a token, without label smoothing.
    """

    spread: float
    own: float
    other: float
    unigram: float

    @property
    def cost(self) -> float:
        """What another sentence's source costs, in bits a token."""
        return self.other - self.own

    @property
    def lost(self) -> bool:
        """Whether the encoder says the same of every token."""
        return self.spread < EQUAL_STATES

    @property
    def unheard(self) -> bool:
        """Whether the model has learnt its targets' frequencies and more, and nothing of it from the source."""
        learnt = self.own <= self.unigram - BELOW_UNIGRAM
        return learnt and (self.lost or self.cost < HEARD)


@dataclass(frozen=True)
class Unheard:
    """How many validations in a row the source has not been heard at, the last one included, and the first's update."""

    validations: int = 0
    since: int = 0

    def after(self, use: SourceUse, updates: int, warm_up: int) -> Unheard:
        """Return the row after one more validation; none counts while the warm-up, in updates, goes on."""
        if updates < warm_up or not use.unheard:
            return Unheard()
        return Unheard(self.validations + 1, self.since if self.validations else updates)

    def is_alarming(self, use: SourceUse, updates: int, warm_up: int) -> bool:
        """Whether the user should know; *use* is what the last validation of the row has shown.

        Early in a healthy training states draw together, which shows in what another source costs, and part again. So
        that alone is no alarm until it has lasted as long as the warm-up did; an encoder that is lost is one at once.
        """
        return self.validations >= IN_A_ROW and (use.lost or updates - self.since >= warm_up)


def reason(use: SourceUse, row: Unheard, updates: int) -> str:
    """Return what has been measured, against its thresholds."""
    return (
        f"the source is not heard at {row.validations} validations in a row, at updates {row.since:,} to {updates:,}: "
        f"over tokens, the encoder's states vary by {use.spread:.2g} of their size (heard: at least {EQUAL_STATES:g}), "
        f"and another sentence's source costs {use.cost:.3f} bits a token (heard: at least {HEARD:g}), while the loss, "
        f"{use.own:.2f}, is below the {use.unigram:.2f} of word frequencies"
    )


def remedy(scheme: str | None, rates: DepthRates) -> str:
    """Return what to try in another training; *scheme* is that of one of our models, *rates* the rule that it has."""
    rule = "--depth-rates adam, or with " if scheme == "deepnorm" and rates == "none" else ""
    return f"train anew with {rule}a longer warm-up (--warmup-updates) or a lower --lr"
