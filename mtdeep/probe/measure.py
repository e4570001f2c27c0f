"""All numbers of one model: before the first update, after one update of the peak rate, after k updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from mtdeep.nn import Model
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.change import Change, SgdUpdate, change, changes, sgd_update
from mtdeep.probe.gradients import Gradients, gradient_norms
from mtdeep.probe.objective import read_tokens
from mtdeep.probe.states import StackStates, observe, run
from mtdeep.probe.updates import Trainer, Update

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a model is probed: updates k, peak learning rate, updates over which it rises, precision, seed.

    batch_tokens: about as many source tokens a batch.
    """

    steps: int = 10
    learning_rate: float = 5e-4
    warmup: int = 0
    precision: Precision = "float32"
    seed: int = 1
    batch_tokens: int = 512


@dataclass(frozen=True)
class Snapshot:
    """The model at one moment, on the first batch. Losses are nll in nats per token.

    nll_other_source: with each sentence's source replaced by another's. other_source: how far that moves the output of
    the last stack, 0 where the source is not heard at all; both None without sources, or with one sentence.
    """

    states: dict[str, StackStates]
    gradients: dict[str, Gradients]
    nll: float
    nll_other_source: float | None
    other_source: Change | None


@dataclass(frozen=True)
class Measurement:
    """What was measured. The last stack's update is that of the model, DeepNet's quantity (arXiv 2203.00555).

    sgd: see `SgdUpdate`; in float32. after_one, after_all: update by stack after one update of Adam at the peak rate,
    and after all updates of the schedule. updates: those of the schedule.
    """

    start: Snapshot
    end: Snapshot
    sgd: SgdUpdate
    after_one: dict[str, Change]
    after_all: dict[str, Change]
    updates: list[Update]


def measure(
    model: Model,
    batches: Sequence[ProbeBatch],
    settings: Settings,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measurement:
    """Measure a model on its first batch and update it `settings.steps` times on the others in turn.

    The model is in float32 when it comes, and has another precision and other weights afterwards. progress is called
    with steps done and steps in all. Dropout is drawn from torch's global generator, which is seeded here.
    """
    torch.manual_seed(settings.seed)
    total = settings.steps + 4
    probe, training = batches[0], batches[1:]
    sgd = sgd_update(model, probe, training[0])
    progress(1, total)

    model.to(getattr(torch, settings.precision))
    start = _snapshot(model, probe)
    before, _ = run(model, probe)
    progress(2, total)
    after_one = _after_one(model, probe, training[0], before, settings.learning_rate)
    progress(3, total)

    trainer = Trainer(model, learning_rate=settings.learning_rate, warmup=settings.warmup)
    updates = []
    for step in range(settings.steps):
        updates.append(trainer.update(training[step % len(training)]))
        progress(4 + step, total)
    after_all = changes(model, probe, before)
    end = _snapshot(model, probe, trainer.scale)
    progress(total, total)
    return Measurement(start, end, sgd, after_one, after_all, updates)


def _snapshot(model: Model, probe: ProbeBatch, scale: float | None = None) -> Snapshot:
    gradients = gradient_norms(model, probe, scale)
    found = observe(model, probe)
    other = probe.with_another_source() if len(model.stacks) > 1 else None
    if other is None:
        return Snapshot(found.states, gradients, found.nll, None, None)
    outputs, nll = run(model, other)
    last = [*outputs][-1]
    real = read_tokens(last, probe).ne(model.config.padding_idx)
    return Snapshot(found.states, gradients, found.nll, nll, change(found.outputs[last], outputs[last], real))


def _after_one(
    model: Model, probe: ProbeBatch, batch: ProbeBatch, before: dict[str, Tensor], rate: float
) -> dict[str, Change]:
    """Return how far one update moves the outputs on *probe*, and take it back; NaN when its gradients overflow."""
    kept = [parameter.detach().clone() for parameter in model.parameters()]
    update = Trainer(model, learning_rate=rate, warmup=0).update(batch)
    moved = dict.fromkeys(before, Change(math.nan, math.nan)) if update.skipped else changes(model, probe, before)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), kept, strict=True):
            parameter.copy_(value)
    return moved
