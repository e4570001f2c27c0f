"""Plans: the largest batch that fits, the state that fairseq keeps, and the textbook's arithmetic."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from mtdeep.errors import UserError
from mtdeep.nn import EncoderDecoder
from mtdeep.planning import PRECISIONS, Batch, Course, Plan, Setting, Training, make_plan, rehearse

SHALLOW = {"encoder_layers": 1, "decoder_layers": 1}


@cache
def plan_of(config, memory: int, precision: str = "fp32", device: str = "cpu", **more: object) -> Plan:  # type: ignore[no-untyped-def]
    training = Training(precision=precision, device=device, memory=memory, sentence_length=32, reserve=0)
    return make_plan(config, replace(training, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("memory", [20_000_000, 2_500_000], ids=["many chunks of the loss", "less than one"])
def test_one_more_sentence_would_not_fit(tiny_config, memory: int) -> None:
    config = tiny_config(500, **SHALLOW)
    setting = Setting(PRECISIONS["fp32"], "cpu")
    for batch in plan_of(config, memory).batches:
        trained = replace(config, checkpoint_activations=batch.checkpoint_activations)
        assert batch.max_tokens == 32 * batch.sentences
        assert rehearse(trained, setting, Batch(batch.sentences, 32)).peak <= batch.peak_bytes <= memory
        # Two sentences: the last chunk of the loss may be smaller than it was planned for.
        assert rehearse(trained, setting, Batch(batch.sentences + 2, 32)).peak > memory


def test_checkpointing_leaves_room_for_more(tiny_config) -> None:
    kept, again = plan_of(tiny_config(500, encoder_layers=20), 100_000_000).batches
    assert (kept.checkpoint_activations, again.checkpoint_activations) == (False, True)
    assert again.activation_bytes_per_token < kept.activation_bytes_per_token / 3
    assert again.max_tokens > 2 * kept.max_tokens
    assert again.flops_per_token > kept.flops_per_token


def test_checkpointed_layers_keep_their_input(tiny_config) -> None:
    """Of width 16 in float32: 64 bytes a token."""
    few, many = (
        rehearse(
            tiny_config(500, encoder_layers=n, checkpoint_activations=True),
            Setting(PRECISIONS["fp32"], "cpu"),
            Batch(8, 32),
        )
        for n in (2, 4)
    )
    assert many.forward - few.forward == 2 * (8 * 32 * 16 * 4)


def test_state_is_what_training_holds(tiny_config) -> None:
    for precision, bytes_each in (("fp32", 16), ("amp", 16), ("bf16", 20)):
        config = tiny_config(500, **SHALLOW)
        plan = plan_of(config, 100_000_000, precision=precision)
        parameters = list(EncoderDecoder(config).parameters())
        count = sum(p.numel() for p in parameters)
        assert sum(plan.parameters.values()) == count
        assert sum(plan.state_bytes.values()) == bytes_each * count
        # Before a step all but the gradients is there, and 4 bytes a tensor in which AdamW counts its steps.
        step = rehearse(config, Setting(PRECISIONS[precision], "cpu"), Batch(2, 5))
        assert step.state == (bytes_each - PRECISIONS[precision].weights.itemsize) * count + 4 * len(parameters)


def test_bf16_keeps_what_fairseq_keeps(tiny_config, bf16_optimizer) -> None:
    model = EncoderDecoder(tiny_config(500, **SHALLOW)).bfloat16()
    parameters = list(model.parameters())
    optimizer = bf16_optimizer(parameters)
    optimizer.backward(sum(p.sum() for p in parameters))
    optimizer.step()
    moments = [m for state in optimizer.optimizer.state.values() for m in (state["exp_avg"], state["exp_avg_sq"])]
    kept = [*parameters, *optimizer.fp32_params, *moments]
    kept += [p.grad for p in (*parameters, *optimizer.fp32_params)]
    count = sum(p.numel() for p in parameters)
    assert sum(t.nbytes for t in kept) == sum(PRECISIONS["bf16"].state_bytes(count).values())


def test_several_devices_hold_buckets_and_make_larger_updates(tiny_config) -> None:
    config = tiny_config(500, **SHALLOW)
    one, eight = (plan_of(config, 100_000_000, "bf16", devices=n) for n in (1, 8))
    count = sum(one.parameters.values())
    assert "gradients in DDP's buckets" not in one.state_bytes
    assert eight.state_bytes["gradients in DDP's buckets"] == 2 * count
    for alone, together in zip(one.batches, eight.batches, strict=True):
        assert together.max_tokens < alone.max_tokens
        assert together.peak_bytes <= 100_000_000
        assert eight.tokens_per_update(together) == 8 * together.max_tokens


def test_gradients_that_are_views_into_buckets_are_there_once_and_always(tiny_config) -> None:
    config = tiny_config(500, **SHALLOW)
    views = plan_of(config, 100_000_000, devices=2, bucket_view=True)
    several = plan_of(config, 100_000_000, update_freq=2)
    assert (views.state_bytes, views.batches) == (several.state_bytes, several.batches)


def test_a_reserve_is_memory_less(tiny_config) -> None:
    config = tiny_config(500, **SHALLOW)
    plain, reserved = plan_of(config, 100_000_000), plan_of(config, 107_000_000, reserve=7_000_000)
    assert reserved.state_bytes == {**plain.state_bytes, "reserve": 7_000_000}
    for batch, same in zip(plain.batches, reserved.batches, strict=True):
        assert replace(batch, peak_bytes=batch.peak_bytes + 7_000_000) == same


@pytest.mark.parametrize("tokens", [2000, 200], ids=["many chunks of the loss", "less than one"])
def test_a_batch_that_is_wanted(tiny_config, tokens: int) -> None:
    config = tiny_config(500, **SHALLOW)
    largest, wanted = plan_of(config, 20_000_000), plan_of(config, 20_000_000, max_tokens=tokens)
    for most, batch in zip(largest.batches, wanted.batches, strict=True):
        assert (batch.max_tokens, batch.sentences, batch.tokens) == (most.max_tokens, tokens // 32, tokens // 32 * 32)
        assert wanted.fits(batch)
        trained = replace(config, checkpoint_activations=batch.checkpoint_activations)
        step = rehearse(trained, Setting(PRECISIONS["fp32"], "cpu"), Batch(batch.sentences, 32))
        assert step.peak == pytest.approx(batch.peak_bytes, rel=0.01)


def test_a_batch_that_is_too_large_has_no_hours(tiny_config) -> None:
    course = Course(updates=10, tokens_per_second=9)
    plan = replace(plan_of(tiny_config(500, **SHALLOW), 2_500_000, max_tokens=4096), course=course)
    for batch in plan.batches:
        assert not plan.fits(batch)
        assert batch.peak_bytes > 2_500_000
        assert (plan.updates(batch), plan.hours(batch)) == (None, None)


def test_flops_are_six_for_each_weight_and_those_of_attention(tiny_config) -> None:
    """Kaplan et al. 2020, arXiv 2001.08361, section 2.1: 6 a weight and token; attention's products beside them."""
    config = tiny_config(500, encoder_layers=1, decoder_layers=2)
    kept, again = plan_of(config, 100_000_000, precision="amp").batches
    encoder, decoder = 4 * 16 * 16 + 2 * 16 * 32, 8 * 16 * 16 + 2 * 16 * 32
    output = 500 * 16
    # Scores and weighted sum: 2 * 2 * d * keys forward, twice that backward, in 1 + 2 * 2 attentions.
    attention = 3 * (2 * 2 * 16 * 32) * (1 + 2 * 2)
    assert kept.flops_per_token == pytest.approx(6 * (encoder + 2 * decoder + output) + attention, rel=1e-3)
    layers = 6 * (encoder + 2 * decoder) + attention
    assert again.flops_per_token - kept.flops_per_token == pytest.approx(layers / 3, rel=1e-3)


def test_hours_follow_from_speed_and_length(tiny_config) -> None:
    plan = plan_of(tiny_config(500, **SHALLOW), 100_000_000, devices=4)
    batch = plan.batches[0]
    update = 4 * batch.max_tokens
    assert (plan.tokens_per_second(batch), plan.updates(batch), plan.hours(batch)) == (None, None, None)
    computed = replace(plan, course=Course(updates=50, tflops=2.0, utilisation=0.25))
    speed = 4 * 0.25 * 2e12 / batch.flops_per_token
    assert computed.tokens_per_second(batch) == pytest.approx(speed)
    assert computed.hours(batch) == pytest.approx(50 * update / speed / 3600)
    assert computed.epochs(batch) is None
    measured = replace(plan, course=Course(epochs=2.5, corpus_tokens=10 * update, tokens_per_second=7.0))
    assert (measured.updates(batch), measured.epochs(batch)) == (25, 2.5)
    assert measured.hours(batch) == pytest.approx(25 * update / 7 / 3600)


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"memory": 450_000}, r"^450 KB do not hold one sentence of 32 tokens, whose update takes \d+ KB at least"),
        ({}, {"precision": "fp8"}, "precision 'fp8' is none of fp32, amp, bf16, fp16"),
        ({}, {"device": "tpu"}, "device 'tpu' is none of cpu, cuda"),
        ({}, {"bucket_view": True}, "--gradient-as-bucket-view is for two devices or more"),
        ({}, {"reserve": 10**9}, "a reserve of 1 GB leaves nothing of 100 MB"),
        ({}, {"device": "cuda", "reserve": None}, "a reserve of 2 GB leaves nothing of 100 MB"),
        ({}, {"max_tokens": 31}, "--max-tokens 31 holds no sentence of 32 tokens"),
        ({}, {"precision": "fp16"}, "--fp16 needs a GPU"),
        ({"max_source_positions": 20}, {}, "exceed the 20 positions that the model takes"),
    ],
)
def test_refusals(tiny_config, changes: dict[str, object], options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_of(tiny_config(500, **SHALLOW, **changes), **{"memory": 100_000_000, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"updates": 5, "epochs": 1.0}, "--updates and --epochs both say how long to train"),
        ({"epochs": 1.0}, "--epochs needs --corpus-tokens"),
        ({"tokens_per_second": 1.0, "tflops": 1.0}, "--tokens-per-second and --tflops both say how fast"),
        ({"utilisation": 0.5}, "--utilisation is a part of --tflops"),
        ({"tflops": 900.0, "utilisation": 40.0}, "--utilisation 40 is no part"),
        ({"updates": 0}, "--updates 0 is no number above 0"),
        ({"tflops": float("nan")}, "--tflops nan is no number above 0"),
    ],
)
def test_contradictory_courses(words: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Course(**words)  # type: ignore[arg-type]
