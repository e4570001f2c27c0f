"""Measured numbers against independent computations, theory's directions, and one another."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest
import torch

from mtdeep.nn import EncoderDecoder, build_model
from mtdeep.nn.cache import EncoderOutput
from mtdeep.nn.scheme import SCHEMES
from mtdeep.nn.visibility import UP_TO_THE_QUERY, Visibility
from mtdeep.probe import Settings, made_up_batches, measure, statistics
from mtdeep.probe.change import SGD_RATE
from mtdeep.probe.gradients import flow, gradient_norms
from mtdeep.probe.growth import growths
from mtdeep.probe.objective import features, loss_of
from mtdeep.probe.states import observe
from mtdeep.probe.updates import Trainer

STACKS = ("encoder", "decoder")


@pytest.fixture
def small(candidate):  # type: ignore[no-untyped-def]
    """A model of 2 + 2 layers and its batches."""
    chosen = candidate("preln", 4)
    return chosen.build(1), made_up_batches(chosen.config, 3, tokens=100, seed=1)


def test_states_are_those_between_the_layers(small) -> None:
    """Against a walk through the encoder by hand."""
    model, (batch, *_) = small
    found = observe(model, batch).states["encoder"]
    model.eval()
    real = batch.source.ne(1)
    with torch.no_grad():
        x = model.encoder._embed(batch.source, ~real)
        sizes = [x[real].square().mean().sqrt()]
        for layer in model.encoder.layers:
            before, x = x, layer(x, Visibility(real[:, None, None, :]))
            sizes.append(x[real].square().mean().sqrt())
        cosine = torch.cosine_similarity(before[real], x[real], dim=1).mean()
        output = model.encoder.layer_norm(x)
    assert [states.layer for states in found.layers] == [0, 1, 2]
    assert [states.rms for states in found.layers] == pytest.approx([float(size) for size in sizes])
    assert found.layers[2].neighbour_cosine == pytest.approx(float(cosine))
    assert found.output.spread == pytest.approx(float(output[real].std(0, correction=0).square().mean().sqrt()))
    assert found.layers[0].neighbour_cosine is None and found.layers[0].norm_input is None
    # Pre-LN's first normalisation reads the layer's own input.
    assert found.layers[1].norm_input > found.layers[0].rms


def test_attentions_kernels_are_those_of_its_branches(small) -> None:
    """Against a decoder's lowest layer, walked through by hand; an encoder has no cross-attention."""
    model, (batch, *_) = small
    found = observe(model, batch).states
    model.eval()
    layer, real = model.decoder.layers[0], batch.previous.ne(1)
    with torch.no_grad():
        encoded = model.encoder(batch.source)
        x = model.decoder._embed(batch.previous, None)
        read = layer.self_attn_layer_norm(x)
        own = layer.self_attn(read, *layer.self_attn.keys_values(read), UP_TO_THE_QUERY)
        read = layer.encoder_attn_layer_norm(x + own)
        keys_values = layer.encoder_attn.keys_values(encoded.states)
        cross = layer.encoder_attn(read, *keys_values, Visibility.of_padding(encoded.padding_mask))
    first = found["decoder"].layers[1]
    for kernel, output in ((first.self_attention, own), (first.cross_attention, cross)):
        sigma = statistics.kernel(output, real)
        assert kernel.cosine == pytest.approx(statistics.kernel_cosine(sigma, real), rel=1e-5)
        assert kernel.effective_rank == pytest.approx(statistics.effective_rank(sigma, real), rel=1e-5)
    assert first.self_attention != first.cross_attention != first.kernel
    assert found["decoder"].layers[0].self_attention is None
    assert all(states.cross_attention is None for states in found["encoder"].layers)


def test_a_planned_attention_keeps_tokens_apart_and_an_ordinary_one_does_not(candidate, without_skips) -> None:
    """arXiv 2302.10322: without skips, attention has made all tokens one in its second layer; E-SPA's has not."""
    for scheme, bare in (("vanilla", False), ("preln", True)):
        chosen = candidate(scheme, 12)
        model = chosen.build(1)
        (batch,) = made_up_batches(chosen.config, 1, tokens=256, seed=1)
        for states in observe(without_skips(model) if bare else model, batch).states.values():
            kernel = states.layers[2].self_attention
            assert kernel.cosine > 0.999 if bare else kernel.cosine < 0.9


def test_residual_shows_its_second_stream(probed) -> None:
    layers = probed("residual", 4).start.states["encoder"].layers
    assert all(states.rms == pytest.approx(1.0, abs=0.01) for states in layers[1:])
    sizes = [states.dual_rms for states in layers[1:]]
    assert sizes == sorted(sizes) and sizes[0] > 1
    assert all(states.dual_rms is None for states in probed("postln", 4).start.states["encoder"].layers)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_and_no_hook_stays(candidate, scheme: str) -> None:
    chosen = candidate(scheme, 4)
    model = chosen.build(1)
    batches = made_up_batches(chosen.config, 3, tokens=60, seed=1)
    found = measure(model, batches, Settings(steps=2))
    for moment in (found.start, found.end):
        assert list(moment.states) == list(moment.gradients) == list(STACKS)
        for stack in STACKS:
            assert len(moment.states[stack].layers) == 3 and len(moment.gradients[stack].layers) == 2
            squares = [math.hypot(*norms) for norms in zip(*moment.gradients[stack].modules.values(), strict=True)]
            assert squares == pytest.approx(moment.gradients[stack].layers)
    assert len(found.updates) == 2 and not any(update.skipped for update in found.updates)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_gradient_norms_are_autograds(small) -> None:
    model, batches = small
    loss = loss_of(model.eval(), features(model, batches[0]), batches[0]).mean
    weights = [model.decoder.layers[1].fc2.weight, model.decoder.layers[1].fc2.bias]
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)]).norm().item()
    found = measure(model, batches, Settings(steps=1)).start.gradients["decoder"]
    assert found.modules["fc2"][1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("scheme", ["preln", "residual"])
def test_gradients_by_the_stream_are_autograds(candidate, scheme: str) -> None:
    """Through a walk by hand with the states as leaves: behind the encoder's lowest layer, and before it."""
    chosen = candidate(scheme, 4)
    model = chosen.build(1).eval()
    (batch,) = made_up_batches(chosen.config, 1, tokens=100, seed=1)
    real = batch.source.ne(1)
    stack = model.encoder
    x = stack._embed(batch.source, ~real).detach().requires_grad_()
    visible = Visibility(real[:, None, None, :])
    start = stack.residual.start(x)
    first = stack.layers[0](start, visible)
    parts = first if isinstance(first, tuple) else (first,)
    output = stack.residual.finish(stack.layers[1](first, visible), stack.layer_norm)
    states = model.decoder(batch.previous, EncoderOutput(output, ~real))
    gradients = torch.autograd.grad(loss_of(model, states, batch).mean, parts)
    expected = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    found = gradient_norms(model, batch)["encoder"].stream
    assert len(found) == 3 and found[1] == pytest.approx(expected, rel=1e-5)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("norms", "fall", "fallen", "rise", "risen"),
    [
        ([2.0, 2.0, 2.0], 1.0, None, 1.0, None),
        ([0.5, 1.0, 2.0], 0.25, (1, 3), 1.0, None),  # vanishes downwards
        ([8.0, 4.0, 1.0], 1.0, None, 8.0, (1, 3)),  # explodes downwards
        ([3.0, 0.1, 2.0, 1.0], 0.05, (2, 3), 30.0, (1, 2)),  # is gone in the middle, and back below
        ([1.0, 50.0, 1.0], 0.02, None, 50.0, (2, 3)),  # is there in the middle alone
        ([1.0, 0.0, 1.0], 0.0, (2, 3), math.inf, (1, 2)),
        ([1.0], 1.0, (1, 1), 1.0, (1, 1)),
    ],
)
def test_flow(norms, fall, fallen, rise, risen) -> None:  # type: ignore[no-untyped-def]
    """A pair (l, m) is layer l, below, by layer m, above; None where several pairs have the ratio."""
    found = flow(norms)
    assert (found.fall, found.rise) == (fall, rise)
    assert fallen in (None, found.fallen) and risen in (None, found.risen)


@pytest.mark.parametrize("norms", [[0.0, 0.0], [1.0, math.nan], [math.inf, 1.0]])
def test_without_gradients_there_is_no_flow(norms: list[float]) -> None:
    assert math.isnan(flow(norms).fall) and math.isnan(flow(norms).rise)


def test_model_update_after_one_step_is_adams(small) -> None:
    """Adam's first step moves every parameter by the rate against the sign of its gradient."""
    model, batches = small
    model.eval()
    with torch.no_grad():
        before = features(model, batches[0])
    twin = EncoderDecoder(model.config).eval()
    twin.load_state_dict(model.state_dict())
    loss_of(twin, features(twin, batches[1]), batches[1]).mean.backward()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter -= 1e-3 * parameter.grad / (parameter.grad.abs() + 1e-8)
        moved = (features(twin, batches[0]) - before)[batches[0].previous.ne(1)].norm(dim=1).mean()
    found = measure(model, batches, Settings(steps=1, learning_rate=1e-3))
    assert found.after_one["decoder"].absolute == pytest.approx(moved.item(), rel=1e-3)
    # Without warm-up, the schedule's first update is that one too.
    assert found.after_all["decoder"].absolute == pytest.approx(found.after_one["decoder"].absolute, rel=1e-4)


def test_warm_up_shortens_the_first_updates(probed) -> None:
    short = probed("deepnorm", 4, warmup=1000)
    assert [update.learning_rate for update in short.updates] == pytest.approx([5e-7 * (i + 1) for i in range(10)])
    assert short.after_one["decoder"] == probed("deepnorm", 4).after_one["decoder"]
    assert short.after_all["decoder"].absolute < 0.1 * probed("deepnorm", 4).after_all["decoder"].absolute


@pytest.mark.parametrize("before", [0, 7])
def test_branches_warm_up_from_where_they_are(small, before: int) -> None:
    """As in the training: update n is made at t = n - 1, and what comes out is looked at after it."""
    plain, batches = small
    model = build_model(replace(plain.config, branch_warm_up=5))
    model.set_num_updates(before)
    seen: list[tuple[bool, int]] = []
    model.decoder.register_forward_hook(
        lambda decoder, *_: seen.append((decoder.training, int(decoder.branch_warm_up.updates)))
    )
    found = measure(model, batches, Settings(steps=3))
    assert model.num_updates == before + 3
    assert [t for training, t in seen if training] == [before, before, before + 1, before + 2]
    assert {t for training, t in seen if not training} == {before, before + 1, before + 3}
    assert all(math.isfinite(update.nll) for update in found.updates)


def test_the_same_seed_gives_the_same_numbers(candidate) -> None:
    chosen = candidate("deepnorm", 2)
    runs = []
    for seed in (1, 1, 2):
        batches = made_up_batches(chosen.config, 3, tokens=60, seed=seed)
        runs.append(asdict(measure(chosen.build(seed), batches, Settings(steps=2, seed=seed))))
    assert runs[0] == runs[1] != runs[2]


def test_post_ln_gradients_decay_downwards_and_pre_lns_do_not(probed) -> None:
    """arXiv 2002.04745: (2/3)^((L - l)/2) going down in Post-LN, level in Pre-LN.

    The theorem has uniform attention, and no cross-attention: the direction is to agree, not the constant.
    """
    layers = 9
    post = probed("postln", 2 * layers).start.gradients["decoder"]
    assert flow(post.layers).fall < 2 * (2 / 3) ** ((layers - 1) / 2)
    assert post.stream[0] / post.stream[-1] < 2 * (2 / 3) ** (layers / 2)
    low, middle, high = (sum(post.layers[first : first + 3]) for first in (0, 3, 6))
    assert middle > 1.5 * low and high > 1.5 * middle  # theory: (3/2)^(3/2) = 1.84 for three layers
    pre = probed("preln", 2 * layers).start.gradients["decoder"]
    assert flow(pre.layers).fall > 0.5 and flow(pre.layers).rise < 4
    assert 1 < pre.stream[0] / pre.stream[-1] < 4  # skips pass it on, and each branch adds to it


def test_update_of_deepnorms_matrices_does_not_grow_with_depth(probed) -> None:
    """arXiv 2203.00555, Theorem 4.3; at the same depths Post-LN's is tens of times as large."""
    shallow, deep = (probed("deepnorm", depth, steps=1).sgd.matrices["decoder"] for depth in (12, 48))
    assert deep < 1.3 * shallow
    # What the theorem leaves out does grow: gains and biases of the normalisations.
    shallow_all, deep_all = (probed("deepnorm", depth, steps=1).sgd.layers["decoder"] for depth in (12, 48))
    assert deep_all > 2 * shallow_all
    post = [probed("postln", depth, steps=1).sgd.matrices["decoder"] for depth in (12, 48)]
    assert post[1] > 1.2 * post[0] and post[0] > 10 * shallow


def test_growth_is_the_exponent_of_a_power_law() -> None:
    def record(scheme: str, depth: int, update: float) -> dict[str, object]:
        config = {"scheme": scheme, "encoder_layers": depth // 2, "decoder_layers": depth // 2}
        sgd = {"matrices": {"decoder": update}, "layers": {"decoder": 2.0}}
        return {"config": config, "sgd": sgd, "width": 32, "checkpoint": None, "name": f"{scheme} {depth}"}

    records = [record("postln", depth, 3 * depth**0.7) for depth in (100, 12, 36)]
    found, single = growths([*records, record("preln", 12, 1.0), {**records[0], "checkpoint": "abc"}])
    assert found.depths == [12, 36, 100]
    assert found.matrices_exponent == pytest.approx(0.7) and found.layers_exponent == pytest.approx(0.0)
    assert single.matrices_exponent is None
    assert found.names == ["postln 12", "postln 36", "postln 100"]


def test_growth_is_of_models_that_differ_in_depth_alone() -> None:
    def record(name: str, encoder: int, decoder: int, **fields: object) -> dict[str, object]:
        config = {"scheme": "preln", "encoder_layers": encoder, "decoder_layers": decoder, "skip_alpha": 0.0, **fields}
        sgd = {"matrices": {"decoder": 1.0}, "layers": {"decoder": 2.0}}
        return {"config": config, "sgd": sgd, "checkpoint": None, "name": name}

    records = [record("a", 2, 2), record("b", 0, 4), record("c", 4, 4), record("d", 2, 2, skip_alpha=0.9)]
    assert [growth.names for growth in growths(records)] == [["a", "c"], ["b"], ["d"]]


@pytest.mark.parametrize("scheme, depth", [("preln", 4), ("postln", 72)])
def test_sgd_update_is_in_its_linear_range(candidate, scheme: str, depth: int) -> None:
    """A fortieth of the rate moves the output by a fortieth: what is reported does not depend on the rate.

    At the rate that suits Pre-LN, Post-LN's would be 15 % too small.
    """
    chosen = candidate(scheme, depth)
    model, batches = chosen.build(2), made_up_batches(chosen.config, 3, tokens=100, seed=2)
    reported = measure(model, batches, Settings(steps=1, learning_rate=1e-12)).sgd.matrices["decoder"]
    with torch.no_grad():
        before = features(model, batches[0])
    loss_of(model, features(model, batches[1]), batches[1]).mean.backward()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".layers." in name and parameter.dim() > 1:
                parameter -= SGD_RATE / 40 * parameter.grad
        real = batches[0].previous.ne(1)
        moved = (features(model, batches[0]) - before)[real].norm(dim=1).mean() / before[real].norm(dim=1).mean()
    assert reported == pytest.approx(float(moved) / (SGD_RATE / 40), rel=0.02)


@pytest.mark.parametrize("precision", ["amp", "bf16", "fp16"])
def test_half_precisions_follow_float32(probed, precision: str) -> None:
    exact, half = probed("deepnorm", 4), probed("deepnorm", 4, precision=precision)
    assert half.end.nll == pytest.approx(exact.end.nll, rel=0.02)
    assert half.sgd == exact.sgd
    kept = [update for update in half.updates if not update.skipped]
    assert kept[0].gradient_norm == pytest.approx(exact.updates[0].gradient_norm, rel=0.05)
    assert half.start.gradients["encoder"].layers == pytest.approx(exact.start.gradients["encoder"].layers, rel=0.1)


def test_amp_is_float32_with_matrix_products_in_bfloat16(small) -> None:
    """fairseq's --amp on a CPU: the forward pass under autocast, the backward pass outside, Adam in float32."""
    model, batches = small
    found = measure(model, batches, Settings(steps=1, precision="amp"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    twin, batches = model.train(), made_up_batches(model.config, 1, tokens=100, seed=9)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(twin, features(twin, batches[0]), batches[0])
    loss.smoothed.backward()  # the sum: a mean's gradients are rounded to bfloat16 elsewhere
    expected = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item() / loss.tokens
    exact = Trainer(model, learning_rate=0.0, warmup=0).update(batches[0])
    under_autocast = Trainer(model, learning_rate=0.0, warmup=0, autocast=True).update(batches[0])
    assert under_autocast.gradient_norm == pytest.approx(expected, rel=1e-6) != exact.gradient_norm
    assert under_autocast.nll != exact.nll == pytest.approx(under_autocast.nll, rel=0.01)
    assert not any(update.skipped for update in found.updates)


def test_an_overflowing_update_is_skipped_and_halves_the_scale(candidate) -> None:
    chosen = candidate("preln", 2)
    model = chosen.build(1).half()
    (batch,) = made_up_batches(chosen.config, 1, tokens=60, seed=1)
    trainer = Trainer(model, learning_rate=1e-3, warmup=0)
    weight = model.decoder.layers[0].fc2.weight
    handle = weight.register_hook(lambda gradient: gradient * float("inf"))
    before = weight.detach().clone()
    assert trainer.update(batch).skipped and trainer._scale == 64
    assert torch.equal(weight, before)
    assert model.num_updates == 0
    handle.remove()
    assert not trainer.update(batch).skipped
    assert not torch.equal(weight, before)
    assert model.num_updates == 1


@pytest.mark.parametrize(
    ("changes", "stack"), [({"encoder_layers": 0}, "decoder"), ({"decoder_layers": 0}, "encoder")]
)
def test_a_stack_on_its_own(candidate, changes: dict[str, int], stack: str) -> None:
    """The loss falls, there is no other source, and what is measured is of this stack alone."""
    config = replace(candidate("preln", 8).config, **changes)
    batches = made_up_batches(config, 21, tokens=256, seed=1)
    if stack == "encoder":
        batches = [batch.masked(config, number) for number, batch in enumerate(batches)]
    torch.manual_seed(1)
    measured = measure(build_model(config), batches, Settings(steps=20, learning_rate=5e-3))
    assert measured.end.nll < measured.start.nll - 0.5
    assert measured.start.source is None
    assert [*measured.start.states] == [*measured.start.gradients] == [*measured.after_one] == [stack]
    assert len(measured.start.states[stack].layers) == 5


def test_masked_batches_tell_what_was_there(candidate) -> None:
    config = candidate("preln", 2).config
    (batch,) = made_up_batches(config, 1, tokens=2000, seed=1)
    masked = batch.masked(config, 3)
    told = masked.target.ne(config.padding_idx)
    assert torch.equal(masked.target[told], batch.source[told])
    assert bool((masked.source[told] == config.source_vocabulary_size - 1).all())
    assert torch.equal(masked.source[~told], batch.source[~told])
    assert 0.12 < told.sum() / batch.source.ne(config.padding_idx).sum() < 0.18
