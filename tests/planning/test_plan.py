"""Plans: the largest batch that fits, the state that fairseq keeps, and the textbook's arithmetic."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from mtdeep.errors import UserError
from mtdeep.nn import EncoderDecoder
from mtdeep.planning import PRECISIONS, Batch, Plan, Setting, make_plan, rehearse


@cache
def plan_of(config, memory: int, *, precision: str = "fp32", device: str = "cpu", devices: int = 1) -> Plan:  # type: ignore[no-untyped-def]
    return make_plan(config, precision=precision, device=device, devices=devices, memory=memory, sentence_length=32)


@pytest.mark.parametrize("memory", [20_000_000, 2_500_000], ids=["many chunks of the loss", "less than one"])
def test_one_more_sentence_would_not_fit(tiny_config, memory: int) -> None:
    config = tiny_config(500)
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
        config = tiny_config(500)
        plan = plan_of(config, 100_000_000, precision=precision)
        parameters = list(EncoderDecoder(config).parameters())
        count = sum(p.numel() for p in parameters)
        assert sum(plan.parameters.values()) == count
        assert sum(plan.state_bytes.values()) == bytes_each * count
        # Before a step all but the gradients is there, and 4 bytes a tensor in which AdamW counts its steps.
        step = rehearse(config, Setting(PRECISIONS[precision], "cpu"), Batch(2, 5))
        assert step.state == (bytes_each - PRECISIONS[precision].weights.itemsize) * count + 4 * len(parameters)


def test_bf16_keeps_what_fairseq_keeps(tiny_config, bf16_optimizer) -> None:
    model = EncoderDecoder(tiny_config(500)).bfloat16()
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
    one, eight = (plan_of(tiny_config(500), 100_000_000, precision="bf16", devices=n) for n in (1, 8))
    count = sum(one.parameters.values())
    assert "gradients in DDP's buckets" not in one.state_bytes
    assert eight.state_bytes["gradients in DDP's buckets"] == 2 * count
    for alone, together in zip(one.batches, eight.batches, strict=True):
        assert together.max_tokens < alone.max_tokens
        assert together.peak_bytes <= 100_000_000
        assert eight.tokens_per_update(together) == 8 * together.max_tokens


def test_flops_are_six_for_each_weight_and_those_of_attention(tiny_config) -> None:
    """Kaplan et al. 2020, arXiv 2001.08361, section 2.1: 6 a weight and token; attention's products beside them."""
    config = tiny_config(500, encoder_layers=3, decoder_layers=4)
    kept, again = plan_of(config, 100_000_000, precision="amp").batches
    encoder, decoder = 4 * 16 * 16 + 2 * 16 * 32, 8 * 16 * 16 + 2 * 16 * 32
    output = 500 * 16
    # Scores and weighted sum: 2 * 2 * d * keys forward, twice that backward, in 3 + 2 * 4 attentions.
    attention = 3 * (2 * 2 * 16 * 32) * (3 + 2 * 4)
    assert kept.flops_per_token == pytest.approx(6 * (3 * encoder + 4 * decoder + output) + attention, rel=1e-3)
    layers = 6 * (3 * encoder + 4 * decoder) + attention
    assert again.flops_per_token - kept.flops_per_token == pytest.approx(layers / 3, rel=1e-3)


def test_speed_follows_from_what_somebody_has_measured(tiny_config) -> None:
    plan = plan_of(tiny_config(500), 100_000_000, devices=4)
    assert plan.tokens_per_second(plan.batches[0]) is None
    fast = replace(plan, tflops=2.0, update_freq=3)
    assert fast.tokens_per_update(plan.batches[0]) == 4 * 3 * plan.batches[0].max_tokens
    assert fast.tokens_per_second(plan.batches[0]) == pytest.approx(8e12 / plan.batches[0].flops_per_token)


def test_cuda_keeps_no_scores(tiny_config) -> None:
    """In bfloat16 over 32 keys, 6 attentions of 2 heads.

    A CPU keeps the weights of 32 keys, 2 bytes each; the fused kernel the sum that divides them, 4 bytes. The 4
    attentions that are given a mask keep it as bool there and as bfloat16 here, 1 byte a token more.
    """
    cpu, cuda = (plan_of(tiny_config(500), 100_000_000, precision="bf16", device=d) for d in ("cpu", "cuda"))
    less = cpu.batches[0].activation_bytes_per_token - cuda.batches[0].activation_bytes_per_token
    assert less == 6 * 2 * (32 * 2 - 4) - 4


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"memory": 450_000}, r"^450 KB do not hold one sentence of 32 tokens, whose update takes \d+ KB at least"),
        ({}, {"precision": "fp8"}, "precision 'fp8' is none of fp32, amp, bf16, fp16"),
        ({}, {"device": "tpu"}, "device 'tpu' is none of cpu, cuda"),
        ({}, {"precision": "fp16"}, "--fp16 needs a GPU"),
        ({"encoder_positions": "learned", "max_source_positions": 20}, {}, "exceed the 20 positions that are learned"),
    ],
)
def test_refusals(tiny_config, changes: dict[str, object], options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_of(tiny_config(500, **changes), **{"memory": 100_000_000, **options})  # type: ignore[arg-type]
