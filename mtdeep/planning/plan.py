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
from mtdeep.planning.precision import PRECISIONS, Precision
from mtdeep.planning.rehearsal import Batch, Setting, Trace, rehearse
from mtdeep.planning.scaling import added, at_full_depth
from mtdeep.planning.units import format_bytes

DEVICES = ("cpu", "cuda")
TRACES = 12
"""Steps that are rehearsed for a plan; fewer for a shallow model, more for a memory that holds only a few sentences."""


@dataclass(frozen=True)
class BatchPlan:
    """A device's batches, with or without --checkpoint-activations.

    activation_bytes_per_token: kept by the forward pass for each token of --max-tokens, source and target together.
    fixed_forward_bytes: kept whatever the batch (autocast's copies of the weights). loss_bytes: the loss's workspace,
    over a batch of at least one chunk. max_tokens: the largest that fits, 0 if none does; peak_bytes and peak_stage are
    then those of the batch of one sentence. flops_per_token: of matrix products, forward and backward.
    """

    checkpoint_activations: bool
    activation_bytes_per_token: float
    fixed_forward_bytes: int
    loss_bytes: int
    max_tokens: int
    sentences: int
    peak_bytes: int
    peak_stage: str
    flops_per_token: float


@dataclass(frozen=True)
class Plan:
    """What a training needs on each of `devices` devices.

    state_bytes: what a device holds whatever the batch, by what it is; its gradients are there when backward is over.
    tflops: 10^12 floating point operations that a device does each second, if somebody has said so.
    """

    config: Config
    precision: str
    device: str
    devices: int
    memory_bytes: int
    sentence_length: int
    update_freq: int
    tflops: float | None
    parameters: Mapping[str, int]
    state_bytes: Mapping[str, int]
    batches: tuple[BatchPlan, BatchPlan]

    def tokens_per_update(self, batch: BatchPlan) -> int:
        """Return the tokens of all batches that make one update: `update_freq` of each device."""
        return self.devices * self.update_freq * batch.max_tokens

    def tokens_per_second(self, batch: BatchPlan) -> float | None:
        """Return the tokens that all devices do each second at `tflops`, if that is known."""
        return None if self.tflops is None else self.devices * self.tflops * 1e12 / batch.flops_per_token


def make_plan(
    config: Config,
    *,
    precision: str,
    device: str,
    devices: int,
    memory: int,
    sentence_length: int,
    update_freq: int = 1,
    tflops: float | None = None,
    step_done: Callable[[], object] = lambda: None,
) -> Plan:
    """Plan the training of config, with and without activation checkpointing whatever config says about it.

    precision is one of PRECISIONS and device of DEVICES; memory is the bytes of each device; sentence_length the tokens
    of the longer side of a pair, tag and end-of-sentence counted; update_freq the batches of each device in an update;
    tflops what a device does each second, if somebody has measured it. step_done is called after each rehearsed step.
    Raises UserError for another precision or device, where fairseq cannot train so, or when not one sentence fits.
    """
    _check(config, precision, device, sentence_length)
    kind = PRECISIONS[precision]
    setting = Setting(kind, device, accumulates=update_freq > 1)

    @cache
    def trace(checkpointing: bool, batch: Batch) -> Trace:
        def of(shallow: Config) -> Trace:
            result = rehearse(shallow, setting, batch)
            step_done()
            return result

        return at_full_depth(replace(config, checkpoint_activations=checkpointing), of)

    parameters = trace(False, _whole_chunks(sentence_length)).parameters
    buckets = _bucket_bytes(kind, sum(parameters.values()), devices)
    batches = tuple(
        _batch_plan(partial(trace, checkpointing), checkpointing, sentence_length, memory, sum(buckets.values()))
        for checkpointing in (False, True)
    )
    without, with_checkpointing = batches
    if not any(batch.max_tokens for batch in batches):
        least = min(batch.peak_bytes for batch in batches)
        raise UserError(
            f"{format_bytes(memory)} do not hold one sentence of {sentence_length} tokens, whose update takes "
            f"{format_bytes(least)} at least; give more memory or a smaller model."
        )
    return Plan(
        config=config,
        precision=precision,
        device=device,
        devices=devices,
        memory_bytes=memory,
        sentence_length=sentence_length,
        update_freq=update_freq,
        tflops=tflops,
        parameters=parameters,
        state_bytes={**kind.state_bytes(sum(parameters.values())), **buckets},
        batches=(without, with_checkpointing),
    )


def _check(config: Config, precision: str, device: str, sentence_length: int) -> None:
    for what, value, known in (("precision", precision, PRECISIONS), ("device", device, DEVICES)):
        if value not in known:
            raise UserError(f"{what} {value!r} is none of {', '.join(known)}; choose one of them.")
    if precision == "fp16" and device == "cpu":
        raise UserError("fairseq's --fp16 needs a GPU; plan for --device cuda, or use bf16 or amp.")
    longest = [
        positions
        for kind, positions in (
            (config.encoder_positions, config.max_source_positions),
            (config.decoder_positions, config.max_target_positions),
        )
        if kind == "learned"
    ]
    if longest and sentence_length > min(longest):
        raise UserError(
            f"sentences of {sentence_length} tokens exceed the {min(longest)} positions that are learned; "
            "shorten --sentence-length or raise max_source_positions and max_target_positions."
        )


def _bucket_bytes(precision: Precision, parameters: int, devices: int) -> dict[str, int]:
    """Return what torch's DistributedDataParallel holds besides; fairseq wraps a model in it for two devices or more.

    Its buckets are another copy of the gradients, for fairseq leaves --gradient-as-bucket-view off.
    """
    return {"gradients in DDP's buckets": parameters * precision.weights.itemsize} if devices > 1 else {}


def _batch_plan(
    trace: Callable[[Batch], Trace], checkpointing: bool, length: int, memory: int, buckets: int
) -> BatchPlan:
    """Find the largest batch whose peak, with `buckets` bytes beside it, is at most `memory` bytes.

    From a first batch of whole chunks of the loss to one twice as large, each stage grows by a constant for each
    sentence, and so on; a batch whose last chunk is not full takes no more than that. Where less than a chunk fits,
    batches are tried one by one.
    """
    first = _whole_chunks(length).sentences
    base, more = trace(Batch(first, length)), trace(Batch(2 * first, length))
    room = memory - buckets
    sentences = _sentences_within(room, base, more, first)
    if sentences * length >= DEFAULT_CHUNK:
        at = added(base, base, more, sentences / first - 1)
    else:
        sentences, at = _few_sentences(trace, length, room)
    per_token = (more.forward - base.forward) / (first * length)
    return BatchPlan(
        checkpoint_activations=checkpointing,
        activation_bytes_per_token=per_token,
        fixed_forward_bytes=max(0, round(base.forward - per_token * first * length)),
        loss_bytes=base.loss,
        max_tokens=sentences * length,
        sentences=sentences,
        peak_bytes=at.peak + buckets,
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


def _few_sentences(trace: Callable[[Batch], Trace], length: int, room: int) -> tuple[int, Trace]:
    """Return how many sentences fit, fewer than a chunk of the loss holds, and their trace; if none do, that of one."""
    one = trace(Batch(1, length))
    if one.peak > room:
        return 0, one
    more = range(2, math.ceil(DEFAULT_CHUNK / length) + 1)
    found = 1 + bisect_right(more, room, key=lambda sentences: trace(Batch(sentences, length)).peak)
    return found, trace(Batch(found, length))
