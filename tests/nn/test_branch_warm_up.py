"""ProRes (arXiv 2603.05369): every branch of layer l times min(t / (T l), 1), against plain lines of torch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters
from torch.utils._python_dispatch import TorchDispatchMode

from mtdeep.nn import Config, EncoderDecoder, Model, build_model
from mtdeep.nn.branch_warm_up import BranchWarmUp
from mtdeep.nn.scheme import SCHEMES

T, N, M = 5, 3, 2
END = T * N
MOMENTS = (0, 1, 3, T, T + 1, 2 * T, END - 1, END, 10_000)
Weights = dict[str, Tensor]


def plain_factor(t: int, layer: int) -> float:
    return min(t / (T * layer), 1)


class Plain:
    """Encoder and decoder of a scheme, written out: stream, LN and branch are the names of its paper."""

    def __init__(self, model: EncoderDecoder, t: int) -> None:
        self.scheme, self.config, self.t = model.config.scheme, model.config, t
        self.weights: Weights = dict(model.state_dict())

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def attention(self, name: str, x: Tensor, memory: Tensor, heads: int, causal: bool = False) -> Tensor:
        q, k, v = (
            self.linear(f"{name}.{each}_proj", read).unflatten(-1, (heads, -1)).transpose(1, 2)
            for each, read in (("q", x), ("k", memory), ("v", memory))
        )
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.size(-1))
        if causal:
            scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -math.inf)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        if self.scheme == "subln" and "self_attn" in name:
            mixed = self.norm(f"{name}.inner_attn_ln", mixed)
        return self.linear(f"{name}.out_proj", mixed)

    def feed_forward(self, name: str, x: Tensor) -> Tensor:
        hidden = self.linear(f"{name}.fc1", x).relu()
        if self.scheme == "subln":
            hidden = self.norm(f"{name}.ffn_layernorm", hidden)
        return self.linear(f"{name}.fc2", hidden)

    def stack(self, side: str, x: Tensor, memory: Tensor | None = None) -> Tensor:
        layers, heads = (N, self.config.encoder_heads) if side == "encoder" else (M, self.config.decoder_heads)
        alpha = 0.81 * (N**4 * M) ** (1 / 16) if side == "encoder" else (3 * M) ** 0.25
        dual = self.config.residual_scale * x
        for number in range(1, layers + 1):
            name = f"{side}.layers.{number - 1}"
            branches: dict[str, Callable[[Tensor], Tensor]] = {
                "self_attn": lambda x, name=name: self.attention(f"{name}.self_attn", x, x, heads, memory is not None)
            }
            if memory is not None:
                branches["encoder_attn"] = lambda x, name=name: self.attention(f"{name}.encoder_attn", x, memory, heads)
            branches["final"] = lambda x, name=name: self.feed_forward(name, x)
            for which, f in branches.items():
                norm, a = f"{name}.{which}_layer_norm", plain_factor(self.t, number)
                if self.scheme == "postln":
                    x = self.norm(norm, x + a * f(x))
                elif self.scheme == "deepnorm":
                    x = self.norm(norm, alpha * x + a * f(x))
                elif self.scheme in ("preln", "subln"):
                    x = x + a * f(self.norm(norm, x))
                elif self.scheme == "periln":  # LN' would undo a factor that comes before it
                    x = x + a * self.norm(norm.replace("_layer", "_post_layer"), f(self.norm(norm, x)))
                elif self.scheme == "rezero":
                    x = x + self.weights[f"{norm}.weight"] * (a * f(x))
                elif self.scheme == "residual":
                    joined = a * f(x)
                    x, dual = self.norm(norm, x + joined), dual + self.config.residual_scale * joined
        if self.scheme in ("preln", "subln", "periln"):
            x = self.norm(f"{side}.layer_norm", x)
        if self.scheme == "residual":
            x = self.config.residual_alpha * x + self.norm(f"{side}.layer_norm", dual, eps=1e-7)
        return x


@pytest.fixture
def warming(build: Callable[..., EncoderDecoder]) -> Callable[..., EncoderDecoder]:
    """Return a maker of models of N + M layers in float64, after so many updates of a warm-up with T."""

    def make(t: int, **changes: object) -> EncoderDecoder:
        model = build(branch_warm_up=T, **changes)
        model.set_num_updates(t)
        return model

    return make


@torch.no_grad()
@pytest.mark.parametrize("scheme", ["postln", "deepnorm", "preln", "subln", "periln", "rezero", "residual"])
def test_the_equation(scheme: str, warming: Callable[..., EncoderDecoder], tokens: Callable[..., Tensor]) -> None:
    more = {"residual_alpha": 0.5, "residual_scale": 0.3} if scheme == "residual" else {}
    model = warming(0, scheme=scheme, **more)
    source, target = tokens(2, 5), tokens(2, 4)
    embedded = [
        stack.embed_positions(stack.embed_scale * stack.embed_tokens(read), None, 0)
        for stack, read in ((model.encoder, source), (model.decoder, target))
    ]
    seen = []
    for t in MOMENTS:
        model.set_num_updates(t)
        plain = Plain(model, t)
        states = plain.stack("encoder", embedded[0])
        features = model(source, target)
        torch.testing.assert_close(model.encoder(source).states, states, rtol=0, atol=1e-11)
        torch.testing.assert_close(features, plain.stack("decoder", embedded[1], states), rtol=0, atol=1e-11)
        seen.append(features)
    different = [not torch.equal(one, other) for one, other in itertools.pairwise(seen)]
    assert different == [True] * (len(MOMENTS) - 2) + [False]  # the last two have the whole weight


def test_factors_are_those_of_the_paper() -> None:
    warm_up = BranchWarmUp(T=1000, layers=4)
    assert [float(factor) for factor in warm_up.factors(torch.zeros(1))] == [0.0] * 4  # it begins at t = 0
    for t, expected in {
        0: (0, 0, 0, 0),
        1: (0.001, 0.0005, 1 / 3000, 0.00025),
        1000: (1, 0.5, 1 / 3, 0.25),
        3999: (1, 1, 1, 0.99975),
    }.items():
        warm_up.set_num_updates(t)
        factors = [float(factor) for factor in warm_up.factors(torch.zeros(1, dtype=torch.float64))]
        assert factors == pytest.approx(expected, abs=1e-15)


EVERY = pytest.mark.parametrize("scheme", SCHEMES)


def model_of(small: Config, scheme: str, **changes: object) -> Model:
    skips = {"skip_alpha": 0.9} if scheme == "vanilla" else {}
    torch.manual_seed(3)
    model = build_model(replace(small, scheme=scheme, **skips, **changes))
    for parameter in model.parameters():
        if parameter.dim() == 1:  # gates and biases, behind which branches hide at first
            torch.nn.init.normal_(parameter.data, mean=float(parameter.data.mean()), std=0.1)
    return model


@EVERY
def test_nothing_is_left_from_the_end_on(scheme: str, small: Config, tokens: Callable[..., Tensor]) -> None:
    """Same operators, outputs and gradients to the bit as without the option; before the end there are more."""

    class Operators(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.found.append(str(func))
            return func(*args, **(kwargs or {}))

    plain, model = model_of(small, scheme), model_of(small, scheme, branch_warm_up=T)
    source, target = tokens(2, 5), tokens(2, 4)
    results = []
    for each, t in ((plain, 0), (model, END), (model, END - 1)):
        each.set_num_updates(t)
        each.features(source, target)  # makes tables
        each.zero_grad()
        with Operators() as operators:
            features = each.features(source, target)
            features.square().sum().backward()
        gradients = {name: p.grad.clone() for name, p in each.named_parameters() if p.grad is not None}
        results.append((operators.found, features.detach(), gradients))
    (operators, features, gradients), (last, features_of_last, gradients_of_last), (before, features_before, _) = (
        results
    )
    assert last == operators
    assert torch.equal(features_of_last, features)
    assert gradients_of_last.keys() == gradients.keys()
    assert all(torch.equal(gradient, gradients_of_last[name]) for name, gradient in gradients.items())
    assert len(before) > len(last)
    assert not torch.equal(features_before, features)


@EVERY
def test_state_dicts_know_nothing_of_it(scheme: str, small: Config) -> None:
    plain, model = model_of(small, scheme), model_of(small, scheme, branch_warm_up=T)
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert model.initialisation == plain.initialisation
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)  # as many random numbers are drawn, too


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float32])
def test_the_number_of_updates_is_not_rounded(kind: torch.dtype, small: Config) -> None:
    """In bfloat16 4,097 would be 4,096, and 257 be 256; its factor in float32 is exact to the last bit."""
    model = model_of(small, "deepnorm", branch_warm_up=40_000).to(kind)
    model.set_num_updates(4097)
    model = model.to(torch.float32).to(kind)
    for stack in model.stacks.values():
        assert stack.branch_warm_up is not None
        assert stack.branch_warm_up.updates.item() == 4097
        factors = stack.branch_warm_up.factors(torch.zeros(1, dtype=kind))
        expected = [torch.tensor(4097 / (40_000 * number)) for number in range(1, len(stack.layers) + 1)]
        assert [float(factor) for factor in factors] == [float(factor) for factor in expected]


def test_the_first_update_moves_what_is_outside_of_the_branches(
    warming: Callable[..., EncoderDecoder], tokens: Callable[..., Tensor]
) -> None:
    """t is 0 there, in the paper's code too; at the second, every matrix has a gradient."""
    model = warming(0)
    source, target = tokens(2, 5), tokens(2, 4)
    for t, reached in ((0, False), (1, True)):
        model.set_num_updates(t)
        model.zero_grad()
        model.decoder.output_projection(model(source, target)).square().sum().backward()
        for name, parameter in model.named_parameters():
            in_branch = parameter.dim() == 2 and ".layers." in name
            assert parameter.grad is not None
            if in_branch:
                assert bool(parameter.grad.any()) == reached, name


def test_lone_stacks_count_their_own_layers(small: Config) -> None:
    for name, changes in (("decoder", {"encoder_layers": 0}), ("encoder", {"decoder_layers": 0})):
        config = replace(small, branch_warm_up=T, **changes)  # type: ignore[arg-type]
        assert config.branch_warm_up_end == T * (M if name == "decoder" else N)
        model = build_model(config)
        model.set_num_updates(config.branch_warm_up_end - 1)
        (stack,) = model.stacks.values()
        assert stack.branch_warm_up is not None
        assert [*stack.branch_warm_up.factors(torch.zeros(1))][-1] is not None
    assert replace(small, branch_warm_up=T).branch_warm_up_end == END
    assert small.branch_warm_up_end == 0


def test_without_skips_it_is_refused(small: Config) -> None:
    with pytest.raises(ValueError, match=r"branch_warm_up needs skips, .* set skip_alpha above 0"):
        replace(small, scheme="vanilla", branch_warm_up=T)


@pytest.mark.slow
@torch.no_grad()
def test_compiled_layers_do_not_depend_on_the_number_of_updates(small: Config, tokens: Callable[..., Tensor]) -> None:
    """They are compiled once for the warm-up, and once for what comes after its end."""
    torch.compiler.reset()
    counters.clear()
    model = model_of(small, "deepnorm", branch_warm_up=T).eval()
    for stack in model.stacks.values():
        for layer in stack.layers:
            layer.compile(backend="eager", dynamic=True)
    source, target = tokens(2, 5), tokens(2, 4)
    graphs = []
    for t in (0, 1, 7, T * M - 1, T * M, END - 1, END, 100):
        model.set_num_updates(t)
        model.features(source, target)
        graphs.append(counters["stats"]["unique_graphs"])
    assert not counters["graph_break"]
    assert graphs == [2, 2, 2, 2, 3, 3, 4, 4]  # the decoder, having fewer layers, comes to its end first
