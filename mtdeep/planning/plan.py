"""The plan of a training: what each device holds, and the largest batch for which there is room."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

from mtdeep.errors import UserError
from mtdeep.nn import Config
from mtdeep.nn.loss import DEFAULT_CHUNK
from mtdeep.planning.rehearsal import Batch, Setting, Trace, rehearse
from mtdeep.planning.scaling import added, at_full_depth
from mtdeep.planning.state import beside_a_step
from mtdeep.planning.training import Course, Training
from mtdeep.planning.units import format_bytes
from mtdeep.precision import PRECISIONS

TRACES = 12
"""Steps that are rehearsed for a plan; fewer for a shallow model, more for a memory that holds only a few sentences."""


@dataclass(frozen=True)
class BatchPlan:
    """A device's batches, with or without --checkpoint-activations.

    activation_bytes_per_token: kept by the forward pass for each token of --max-tokens, source and target together.
    fixed_forward_bytes: kept whatever the batch (autocast's copies of the weights). loss_bytes: the loss's workspace,
    over a batch of at least one chunk. max_tokens: the largest that fits, 0 if none does. tokens and sentences: of the
    batch that is planned, the largest or the one that was wanted. peak_bytes and peak_stage: the most bytes at once,
    what lies beside the step included, and when; if none fits, those of the batch of one sentence. flops_per_token: of
    matrix products, forward and backward.
    """

    checkpoint_activations: bool
    activation_bytes_per_token: float
    fixed_forward_bytes: int
    loss_bytes: int
    max_tokens: int
    tokens: int
    sentences: int
    peak_bytes: int
    peak_stage: str
    flops_per_token: float


@dataclass(frozen=True)
class Plan:
    """What a training needs on each of its devices, and how long it takes.

    state_bytes: what a device holds whatever the batch, by what it is; its gradients are there when backward is over.
    """

    config: Config
    training: Training
    course: Course
    parameters: Mapping[str, int]
    state_bytes: Mapping[str, int]
    batches: tuple[BatchPlan, BatchPlan]

    def fits(self, batch: BatchPlan) -> bool:
        """Whether there is room for the batch that is planned."""
        return 0 < batch.tokens <= batch.max_tokens

    def tokens_per_update(self, batch: BatchPlan) -> int:
        """Return the tokens of all batches that make one update: `update_freq` of each device."""
        return self.training.devices * self.training.update_freq * batch.tokens

    def tokens_per_second(self, batch: BatchPlan) -> float | None:
        """Return the tokens that all devices do each second, if it is known how fast they are."""
        return self.course.speed(batch.flops_per_token, self.training.devices)

    def updates(self, batch: BatchPlan) -> int | None:
        """Return the number of updates, if it is known how long to train and the batch fits."""
        return self.course.updates_of(self.tokens_per_update(batch)) if self.fits(batch) else None

    def epochs(self, batch: BatchPlan) -> float | None:
        """Return how often the corpus is seen, if it and the number of updates are known."""
        updates, corpus = self.updates(batch), self.course.corpus_tokens
        return None if updates is None or corpus is None else updates * self.tokens_per_update(batch) / corpus

    def hours(self, batch: BatchPlan) -> float | None:
        """Return how long the training takes, if the number of updates and the speed are known."""
        updates, speed = self.updates(batch), self.tokens_per_second(batch)
        return None if updates is None or speed is None else updates * self.tokens_per_update(batch) / speed / 3600


def make_plan(
    config: Config,
    training: Training,
    course: Course | None = None,
    *,
    step_done: Callable[[], object] = lambda: None,
) -> Plan:
    """Plan the training of config, with and without activation checkpointing whatever config says about it.

    step_done is called after each rehearsed step.
    Raises UserError for what `Training.check` finds, or when not one sentence fits.
    """
    training.check(config)
    # Gradients that are views into DDP's buckets are never dropped.
    accumulates = training.update_freq > 1 or training.bucket_view
    setting = Setting(PRECISIONS[training.precision], training.device, accumulates)

    @cache
    def trace(checkpointing: bool, batch: Batch) -> Trace:
        def of(shallow: Config) -> Trace:
            result = rehearse(shallow, setting, batch)
            step_done()
            return result

        return at_full_depth(replace(config, checkpoint_activations=checkpointing), of)

    parameters = trace(False, _whole_chunks(training.sentence_length)).parameters
    count = sum(parameters.values())
    beside = beside_a_step(config, training, count)
    without, with_checkpointing = (
        _batch_plan(partial(trace, checkpointing), checkpointing, training, sum(beside.values()))
        for checkpointing in (False, True)
    )
    if not without.max_tokens and not with_checkpointing.max_tokens:
        raise UserError(
            f"{format_bytes(training.memory)} do not hold one sentence of {training.sentence_length} tokens, whose "
            f"update takes {_least(without, with_checkpointing, training)} at least; give more memory or a smaller "
            "model."
        )
    return Plan(
        config=config,
        training=training,
        course=course or Course(),
        parameters=parameters,
        state_bytes={**setting.precision.state_bytes(count), **beside},
        batches=(without, with_checkpointing),
    )


def _least(without: BatchPlan, with_checkpointing: BatchPlan, training: Training) -> str:
    least = format_bytes(min(without.peak_bytes, with_checkpointing.peak_bytes))
    return f"{least} (reserve included)" if training.reserved else least


def _batch_plan(trace: Callable[[Batch], Trace], checkpointing: bool, training: Training, beside: int) -> BatchPlan:
    """Find the largest batch whose peak, with `beside` bytes on the same device, is at most the memory.

    From a first batch of whole chunks of the loss to one twice as large, each stage grows by a constant for each
    sentence, and so on; a batch whose last chunk is not full takes no more than that. Where less than a chunk fits,
    batches are tried one by one.
    """
    length = training.sentence_length
    first = _whole_chunks(length).sentences
    base, more = trace(Batch(first, length)), trace(Batch(2 * first, length))

    def step(sentences: int) -> Trace:
        if sentences * length >= DEFAULT_CHUNK:
            return added(base, base, more, sentences / first - 1)
        return trace(Batch(sentences, length))

    room = training.memory - beside
    largest = _sentences_within(room, base, more, first)
    if largest * length < DEFAULT_CHUNK:
        largest = _few_sentences(step, length, room)
    wanted = training.max_tokens
    sentences = largest if wanted is None else wanted // length
    at = step(max(1, sentences) if largest else 1)
    per_token = (more.forward - base.forward) / (first * length)
    return BatchPlan(
        checkpoint_activations=checkpointing,
        activation_bytes_per_token=per_token,
        fixed_forward_bytes=max(0, round(base.forward - per_token * first * length)),
        loss_bytes=base.loss,
        max_tokens=largest * length,
        tokens=sentences * length,
        sentences=sentences,
        peak_bytes=at.peak + beside,
        peak_stage=at.peak_stage,
        flops_per_token=(more.flops - base.flops) / (first * length),
    )


def _whole_chunks(length: int) -> Batch:
    """Return a small batch that the loss cuts into chunks of full size, though one of its tokens is padding.

    In two chunks or more of equal size, rounded up, one token less makes no difference.
    """
    return Batch(2 * DEFAULT_CHUNK // math.gcd(DEFAULT_CHUNK, length), length)


def _sentences_within(room: int, base: Trace, more: Trace, first: int) -> int:
    """Return the sentences with which the highest of the peaks takes `room` bytes."""
    limits = []
    for place, peak in base.peaks.items():
        per_sentence = (more.peaks[place] - peak) / first
        if per_sentence > 0:
            limits.append(first + (room - peak) / per_sentence)
        elif peak > room:
            return 0
    return max(0, math.floor(min(limits)))


def _few_sentences(step: Callable[[int], Trace], length: int, room: int) -> int:
    """Return how many sentences fit, fewer than a chunk of the loss holds, or none."""
    if step(1).peak > room:
        return 0
    fewer = range(1, math.ceil(DEFAULT_CHUNK / length) + 1)
    return bisect_right(fewer, room, key=lambda sentences: step(sentences).peak)
