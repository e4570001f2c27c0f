"""LayerNorm scaling, Peri-LN, Keel, B2T and CompleteP against their equations, written out (arXiv numbers at each)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from plain_torch import Weights, attention, linear, norm, weights_of
from torch import Tensor, nn
from torch.nn import functional as F

from mtdeep.nn import Config, Model, build_model
from mtdeep.nn.transformer import Stack

Branches = dict[str, Callable[[Tensor], Tensor]]
Layer = Callable[[Tensor, int, Weights, Branches], Tensor]


def lns(x: Tensor, number: int, w: Weights, branches: Branches) -> Tensor:
    """x + f(LN(x) / sqrt(l)): 2502.05795."""
    for name, f in branches.items():
        x = x + f(norm(x, w, f"{name}_layer_norm") / math.sqrt(number))
    return x


def periln(x: Tensor, number: int, w: Weights, branches: Branches) -> Tensor:
    """x + LN(f(LN(x))): 2502.02732."""
    for name, f in branches.items():
        x = x + norm(f(norm(x, w, f"{name}_layer_norm")), w, f"{name}_post_layer_norm")
    return x


def keel(x: Tensor, number: int, w: Weights, branches: Branches, *, a: int) -> Tensor:
    """LN(a x + f(LN(x))); first layer: attention x + f(LN(x)), feed-forward LN(x + f(LN(x))): 2601.19895."""
    for name, f in branches.items():
        joined = (1 if number == 1 else a) * x + f(norm(x, w, f"{name}_layer_norm"))
        bare = number == 1 and name != "final"
        x = joined if bare else norm(joined, w, f"{name}_post_layer_norm")
    return x


def completep(x: Tensor, number: int, w: Weights, branches: Branches, *, weight: float) -> Tensor:
    """x + f(LN(x)) / m: 2505.01618, Table 1."""
    for name, f in branches.items():
        x = x + weight * f(norm(x, w, f"{name}_layer_norm"))
    return x


def b2t(x: Tensor, number: int, w: Weights, branches: Branches) -> Tensor:
    """LN(x + f(x)), but the layer's input is in its last sum too: 2206.00330."""
    bottom = x
    for name, f in branches.items():
        x = norm(x + f(x) + (bottom if name == "final" else 0), w, f"{name}_layer_norm")
    return x


# Scheme: its layers in an encoder and in a decoder of 3-4 layers, in a decoder of 4 alone, in an encoder of 3 alone.
LAYERS: dict[str, tuple[Layer, Layer, Layer, Layer]] = {
    "lns": (lns,) * 4,
    "periln": (periln,) * 4,
    "keel": (partial(keel, a=6), partial(keel, a=12), partial(keel, a=8), partial(keel, a=6)),
    "b2t": (b2t,) * 4,
    "completep": tuple(partial(completep, weight=weight) for weight in (2 / 3, 1 / 2, 1 / 2, 2 / 3)),  # type: ignore[dict-item]
}
FIELDS: dict[str, dict[str, object]] = {
    **{scheme: {"scheme": scheme} for scheme in (*LAYERS, "preln")},
    "completep": {"scheme": "preln", "tuned_depth": 2},
}
HEADS = {"encoder": 4, "decoder": 2}
SCHEME = pytest.mark.parametrize("scheme", LAYERS)


def plain(
    stack: Stack,
    name: str,
    layer: Layer,
    tokens: Tensor,
    states: Tensor | None = None,
    factor: Callable[[int], float] = lambda number: 1.0,
) -> Tensor:
    """Return what a stack makes of tokens and of the encoder's states, the branches of layer l times factor(l)."""
    heads = HEADS[name]

    def attend(to: Tensor | None, w: Weights, prefix: str, causal: bool, x: Tensor) -> Tensor:
        q = linear(x, w, f"{prefix}.q_proj")
        k, v = (linear(x if to is None else to, w, f"{prefix}.{matrix}_proj") for matrix in "kv")
        return linear(attention(q, k, v, heads, causal), w, f"{prefix}.out_proj")

    x = stack.embed_positions(stack.embed_scale * stack.embed_tokens(tokens), None, 0)
    for number, module in enumerate(stack.layers, start=1):
        w = weights_of(module)
        branches: Branches = {"self_attn": partial(attend, None, w, "self_attn", name == "decoder")}
        if states is not None:
            branches["encoder_attn"] = partial(attend, states, w, "encoder_attn", False)
        branches["final"] = lambda x, w=w: linear(F.relu(linear(x, w, "fc1")), w, "fc2")  # type: ignore[misc]
        a = factor(number)
        scaled: Branches = {name: lambda x, f=f, a=a: a * f(x) for name, f in branches.items()}  # type: ignore[misc]
        x = layer(x, number, w, scaled)
    ends = isinstance(stack.layer_norm, nn.LayerNorm)
    return norm(x, weights_of(stack), "layer_norm") if ends else x


@pytest.fixture
def make(small: Config) -> Callable[..., Model]:
    """Return a maker of models in float64 whose biases and normalisations are not 0 and 1."""

    def build(scheme: str, N: int, M: int, **changes: object) -> Model:
        fields = {**FIELDS[scheme], **changes}
        config = replace(small, encoder_layers=N, decoder_layers=M, **fields)  # type: ignore[arg-type]
        model = build_model(config).double().eval()
        for parameter in model.parameters():
            if parameter.dim() == 1:
                nn.init.normal_(parameter.data, mean=float(parameter.data.mean()), std=0.1)
        return model

    return build


@SCHEME
def test_encoder_decoder(make: Callable[..., Model], tokens: Callable[[int, int], Tensor], scheme: str) -> None:
    model = make(scheme, 3, 4)
    source, target = tokens(2, 6), tokens(2, 5)
    states = plain(model.stacks["encoder"], "encoder", LAYERS[scheme][0], source)
    expected = plain(model.stacks["decoder"], "decoder", LAYERS[scheme][1], target, states)
    torch.testing.assert_close(model.features(source, target), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scheme", ["lns", "keel", "b2t", "completep"])
@pytest.mark.parametrize("t", [0, 3, 7])
def test_branches_that_warm_up(
    make: Callable[..., Model], tokens: Callable[[int, int], Tensor], scheme: str, t: int
) -> None:
    """Every branch of layer l times min(t / (2 l), 1): arXiv 2603.05369. Other schemes: test_branch_warm_up.py."""
    model = make(scheme, 3, 4, branch_warm_up=2)
    model.set_num_updates(t)
    source, target = tokens(2, 6), tokens(2, 5)

    def factor(number: int) -> float:
        return min(t / (2 * number), 1)

    states = plain(model.stacks["encoder"], "encoder", LAYERS[scheme][0], source, factor=factor)
    expected = plain(model.stacks["decoder"], "decoder", LAYERS[scheme][1], target, states, factor)
    torch.testing.assert_close(model.features(source, target), expected, rtol=0, atol=1e-12)


@SCHEME
@pytest.mark.parametrize(("name", "N", "M", "kind"), [("decoder", 0, 4, 2), ("encoder", 3, 0, 3)])
def test_a_stack_on_its_own(
    make: Callable[..., Model], tokens: Callable[[int, int], Tensor], scheme: str, name: str, N: int, M: int, kind: int
) -> None:
    model, read = make(scheme, N, M), tokens(2, 6)
    expected = plain(model.stacks[name], name, LAYERS[scheme][kind], read)
    torch.testing.assert_close(model.features(read, read), expected, rtol=0, atol=1e-12)


def test_layernorm_scaling_folds_into_gain_and_bias(
    make: Callable[..., Model], tokens: Callable[[int, int], Tensor]
) -> None:
    """What was trained with it is a Pre-LN model."""
    scaled, folded = make("lns", 3, 2), make("preln", 3, 2)
    weights = scaled.state_dict()
    for name in weights:
        if "_layer_norm" in name:
            weights[name] = weights[name] / math.sqrt(int(name.split(".")[2]) + 1)
    folded.load_state_dict(weights)
    source, target = tokens(2, 6), tokens(2, 5)
    torch.testing.assert_close(folded.features(source, target), scaled.features(source, target), rtol=0, atol=1e-12)
