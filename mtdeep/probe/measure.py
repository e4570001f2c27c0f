"""All numbers of one model: before the first update, after one update of the peak rate, after k updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtdeep.nn import Model
from mtdeep.nn.factors import DepthRates
from mtdeep.precision import PRECISIONS
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.change import Change, SgdUpdate, change, changes, sgd_update
from mtdeep.probe.gradients import Gradients, gradient_norms
from mtdeep.probe.objective import read_tokens
from mtdeep.probe.states import StackStates, observe, run
from mtdeep.probe.updates import Trainer, Update


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a model is probed: updates k, peak learning rate, updates over which it rises, precision, seed.

    precision: a name of `PRECISIONS`, as on a CPU. batch_tokens: about as many source tokens a batch. depth_rates: the
    rule by which the rate depends on depth; None: that of the checkpoint's training, or none.
    """

    steps: int = 10
    learning_rate: float = 5e-4
    warmup: int = 0
    precision: str = "fp32"
    seed: int = 1
    batch_tokens: int = 512
    depth_rates: DepthRates | None = None

    @property
    def autocast(self) -> bool:
        """Whether matrix products are in bfloat16 while the model is not."""
        return PRECISIONS[self.precision].autocast

    @property
    def weights(self) -> torch.dtype:
        """Type of the model's parameters."""
        return PRECISIONS[self.precision].weights


@dataclass(frozen=True)
class SourceTest:
    """What a model does when sentences are given the source of another sentence of their direction.

    sentences: how many of the batch's were, those whose direction has another; nll_own, nll_other: their loss, with
    their own source and with the other. moved: how far that moves the output of the last stack, 0 where the source is
    not heard at all.
    """

    sentences: int
    nll_own: float
    nll_other: float
    moved: Change

    @property
    def cost(self) -> float:
        """What the wrong source costs, in nats per token."""
        return self.nll_other - self.nll_own


@dataclass(frozen=True)
class Snapshot:
    """The model at one moment, on the first batch. Losses are nll in nats per token.

    source: what another source does; None for a stack on its own, and where no sentence has another of its direction.
    """

    states: dict[str, StackStates]
    gradients: dict[str, Gradients]
    nll: float
    source: SourceTest | None


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

    model.to(settings.weights)
    autocast = settings.autocast
    start = _snapshot(model, probe, autocast=autocast)
    before, _ = run(model, probe, autocast=autocast)
    progress(2, total)
    after_one = _after_one(model, probe, training[0], before, settings)
    progress(3, total)

    trainer = _trainer(model, settings, settings.warmup)
    updates = []
    for step in range(settings.steps):
        updates.append(trainer.update(training[step % len(training)]))
        progress(4 + step, total)
    after_all = changes(model, probe, before, autocast=autocast)
    end = _snapshot(model, probe, trainer.scale, autocast=autocast)
    progress(total, total)
    return Measurement(start, end, sgd, after_one, after_all, updates)


def _trainer(model: Model, settings: Settings, warmup: int) -> Trainer:
    return Trainer(
        model,
        learning_rate=settings.learning_rate,
        warmup=warmup,
        autocast=settings.autocast,
        depth_rates=settings.depth_rates or "none",
    )


def _snapshot(model: Model, probe: ProbeBatch, scale: float | None = None, *, autocast: bool) -> Snapshot:
    gradients = gradient_norms(model, probe, scale, autocast=autocast)
    found = observe(model, probe, autocast=autocast)
    return Snapshot(found.states, gradients, found.nll, _source_test(model, probe, autocast=autocast))


def _source_test(model: Model, probe: ProbeBatch, *, autocast: bool) -> SourceTest | None:
    pair = probe.with_another_source() if len(model.stacks) > 1 else None
    if pair is None:
        return None
    (own, nll_own), (other, nll_other) = (run(model, batch, autocast=autocast) for batch in pair)
    last = [*own][-1]
    real = read_tokens(last, pair[0]).ne(model.config.padding_idx)
    return SourceTest(len(pair[0].source), nll_own, nll_other, change(own[last], other[last], real))


def _after_one(
    model: Model, probe: ProbeBatch, batch: ProbeBatch, before: dict[str, Tensor], settings: Settings
) -> dict[str, Change]:
    """Return how far one update moves the outputs on *probe*, and take it back; NaN when its gradients overflow."""
    kept, updates = [parameter.detach().clone() for parameter in model.parameters()], model.num_updates
    autocast = settings.autocast
    update = _trainer(model, settings, warmup=0).update(batch)
    lost = Change(math.nan, math.nan)
    moved = dict.fromkeys(before, lost) if update.skipped else changes(model, probe, before, autocast=autocast)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), kept, strict=True):
            parameter.copy_(value)
    model.set_num_updates(updates)
    return moved
