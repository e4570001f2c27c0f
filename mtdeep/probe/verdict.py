"""Whether a configuration will train: a few checks, each a number against a threshold, and the words for them.

The thresholds are not from theory: they lie between models that train and deep ones that do not; docs/probe.md lists
them. A number that is alike in both, such as the size of the model update, is reported and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mtdeep.probe.age import Age
from mtdeep.probe.gradients import flow
from mtdeep.probe.measure import Measurement, Settings
from mtdeep.probe.states import StackStates
from mtdeep.probe.thresholds import EQUAL_STATES, SOURCE_UNHEARD

Outcome = Literal["trains", "at risk", "will not train"]
_GRAVITY: tuple[Outcome, ...] = ("trains", "at risk", "will not train")

LOST_GRADIENT, WEAK_GRADIENT = 1e-4, 1e-2
"""A layer's gradient by that of a layer above it: below the first lie the deep models that were seen not to train."""
STEEP_GRADIENT = 1e2
"""The same, above which it explodes on its way down; of no model that was tried."""


@dataclass(frozen=True)
class Check:
    """One number, its threshold, what follows, and a sentence with both; the number is NaN where it is not finite."""

    name: str
    outcome: Outcome
    number: float
    threshold: float
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The gravest outcome of the checks and the sentences of those that had it; of a good one, the closest call."""

    outcome: Outcome
    sentence: str
    checks: list[Check]


def judge(measured: Measurement, settings: Settings, age: Age | None, *, real_text: bool = False) -> Verdict:
    """Judge a model from its measurement; *age* is that of a checkpoint's training, None of a model that is new.

    Whether a trained model hears its source can be told on real text alone, and a new model's loss only when the
    warm-up is over: before, its updates are too small for one.
    """
    checks = [*_finite(measured, settings)]
    if checks[0].outcome == "trains":
        checks += _gradients(measured, settings)
        checks += _equal_states(measured, settings, age)
        if age is not None and real_text:
            checks += _source(measured, age)
        elif age is None and settings.steps >= settings.warmup:
            checks += _loss(measured, settings)
    outcome = max((check.outcome for check in checks), key=_GRAVITY.index)
    reasons = [check.sentence for check in checks if check.outcome == outcome]
    if outcome == "trains":
        nearest = min((check for check in checks if check.threshold == LOST_GRADIENT), key=lambda check: check.number)
        reasons = [f"Nothing speaks against it. {nearest.sentence}"]
    if age is not None and real_text and measured.start.source is None and len(measured.start.states) > 1:
        reasons.append("Whether it hears its source was not told: no sentence has another of its direction.")
    if settings.steps < settings.warmup:
        rate = settings.learning_rate * settings.steps / settings.warmup
        reasons.append(
            f"Only {settings.steps} of the {settings.warmup} updates of warm-up were made, up to a rate of {rate:.1g}: "
            "give more --steps to see what the peak does."
        )
    return Verdict(outcome, " ".join(reasons), checks)


def _finite(measured: Measurement, settings: Settings) -> Iterator[Check]:
    """Losses are finite and not every update had to be left out."""
    losses = [measured.start.nll, *(update.nll for update in measured.updates), measured.end.nll]
    bad = sum(not math.isfinite(loss) for loss in losses)
    skipped = sum(update.skipped for update in measured.updates)
    number = float(bad + skipped)
    lost = bad > 0 or skipped == len(measured.updates)
    outcome: Outcome = "will not train" if lost else "trains"
    sentence = (
        f"In {settings.precision}, {bad} of {len(losses)} losses are not finite and {skipped} of "
        f"{len(measured.updates)} updates had gradients that are not (allowed: no such loss, and not every update)."
    )
    yield Check("finite", outcome, number, 0.0, sentence)


def _gradients(measured: Measurement, settings: Settings) -> Iterator[Check]:
    """On its way down the gradient neither vanishes nor explodes, at the bottom or in the middle.

    Post-LN's decay as (2/3)^((L-l)/2) (arXiv 2002.04745). After the updates, because ReZero's encoder has no gradient
    at all before the first.
    """
    for name in measured.start.gradients:
        before, after = (flow(moment.gradients[name].layers) for moment in (measured.start, measured.end))
        number = after.fall if math.isfinite(after.fall) else 0.0  # a gradient that is not a number reaches nothing
        outcome: Outcome = "trains"
        if number < WEAK_GRADIENT:
            outcome = "will not train" if number < LOST_GRADIENT else "at risk"
        sentence = (
            f"On its way down the {name} the gradient falls to {_ratio(before.fall)} of a higher layer's before the "
            f"first update and to {_ratio(after.fall)} after {settings.steps}{_place(after.fallen)} "
            f"(lost below {LOST_GRADIENT:g}, weak below {WEAK_GRADIENT:g})."
        )
        yield Check(f"{name} gradient", outcome, number, LOST_GRADIENT, sentence)
        sentence = (
            f"On its way down the {name} the gradient rises to {_ratio(before.rise)} times a higher layer's before the "
            f"first update and to {_ratio(after.rise)} times after {settings.steps}{_place(after.risen)} "
            f"(explodes above {STEEP_GRADIENT:g})."
        )
        steep: Outcome = "at risk" if after.rise > STEEP_GRADIENT else "trains"
        yield Check(f"{name} gradient's rise", steep, after.rise, STEEP_GRADIENT, sentence)


def _place(layers: tuple[int, int]) -> str:
    low, high = layers
    return "" if low == high else f", there from layer {high} to layer {low}"


def _ratio(value: float) -> str:
    if math.isnan(value):
        return "0/0"
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def _equal_states(measured: Measurement, settings: Settings, age: Age | None) -> Iterator[Check]:
    """The tokens of a stack's output differ; early in a training they may draw together and part again."""
    for name, states in measured.start.states.items():
        spreads = [_spread(states), _spread(measured.end.states[name])]
        number = min(spreads) if age is None else spreads[0]
        outcome: Outcome = "trains"
        if not number >= EQUAL_STATES:
            outcome = "at risk" if age is None or age.in_warmup else "will not train"
        at_first = "before the first update" if age is None else str(age)
        sentence = (
            f"Over tokens, the {name}'s states vary by {spreads[0]:.2g} of their size {at_first} and by "
            f"{spreads[1]:.2g} after {settings.steps}{'' if age is None else ' more'} (the same state for every token "
            f"below {EQUAL_STATES:g})."
        )
        yield Check(f"{name} spread", outcome, number, EQUAL_STATES, sentence)


def _spread(states: StackStates) -> float:
    """Return the spread of a stack's output over tokens, relative to its size."""
    output = states.output
    return 0.0 if output is None else output.relative_spread


def _loss(measured: Measurement, settings: Settings) -> Iterator[Check]:
    """The loss falls on a batch that is not trained on."""
    number = measured.end.nll - measured.start.nll
    sentence = (
        f"The loss goes from {measured.start.nll:.3f} to {measured.end.nll:.3f} nats per token in {settings.steps} "
        "updates (it must fall)."
    )
    yield Check("loss", "trains" if number < 0 else "at risk", number, 0.0, sentence)


def _source(measured: Measurement, age: Age) -> Iterator[Check]:
    """A trained model needs the right source: one that has lost its encoder does not (docs/training.md).

    One whose encoder still tells tokens apart may only be young: words are learnt by their frequency first, and the
    source is heard hundreds of updates later, which a single checkpoint cannot foretell.
    """
    test = measured.start.source
    if test is None:
        return
    heard = test.cost >= SOURCE_UNHEARD
    lost = not heard and not age.in_warmup and _spread(measured.start.states["encoder"]) < EQUAL_STATES
    outcome: Outcome = "trains" if heard else "will not train" if lost else "at risk"
    sentence = (
        f"The loss of {test.sentences} sentences is {test.nll_own:.3f} nats per token {age} with their own source and "
        f"{test.nll_other:.3f} with another of the same direction (the source is not heard where the difference is "
        f"below {SOURCE_UNHEARD:g})."
    )
    if outcome == "at risk":
        sentence += (
            " It does not hear its source yet. It may come to, or stay a language model: this checkpoint alone cannot "
            "tell; probe a later one."
        )
    yield Check("source", outcome, test.cost, SOURCE_UNHEARD, sentence)
