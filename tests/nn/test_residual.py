from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn import EncoderDecoder
from mtdeep.nn.gate import Gate
from mtdeep.nn.norm import WideLayerNorm
from mtdeep.nn.residual import Branch, DeepNorm, PostNorm, PreNorm, ResiDual, ReZero


def no_second_norm(x: Tensor) -> Tensor:
    raise AssertionError("this scheme normalises once")


def test_definitions() -> None:
    """LN(alpha x + f(x)), LN(x + f(x)), x + f(LN(x)): alpha on the stream, never on the branch."""
    x, weight = torch.randn(2, 3, 8).double(), torch.randn(8, 8).double()

    def branch(x: Tensor) -> Tensor:
        return torch.tanh(x @ weight)

    def norm(x: Tensor) -> Tensor:
        return F.layer_norm(x, (8,))

    torch.testing.assert_close(DeepNorm(2.5)(x, branch, norm, no_second_norm), norm(2.5 * x + branch(x)))
    torch.testing.assert_close(PostNorm()(x, branch, norm, no_second_norm), norm(x + branch(x)))
    torch.testing.assert_close(PreNorm()(x, branch, norm, no_second_norm), x + branch(norm(x)))


def test_rezero_begins_as_the_identity_and_then_follows_its_gate() -> None:
    x, (branch,), gate = torch.randn(2, 3, 8).double(), _linear_branches(1, torch.float64), Gate().double()
    for a in (0.0, 0.7):
        torch.nn.init.constant_(gate.weight, a)
        torch.testing.assert_close(ReZero()(x, branch, gate, no_second_norm), x + a * branch(x))


def test_a_rezero_model_begins_as_its_embeddings(
    build: Callable[..., EncoderDecoder], tokens: Callable[[int, int], Tensor]
) -> None:
    model = EncoderDecoder(replace(build().config, scheme="rezero")).eval()
    source = tokens(2, 5)
    embedded = model.encoder.embed_positions(model.encoder.embed_scale * model.encoder.embed_tokens(source), None, 0)
    assert torch.equal(model.encoder(source).states, embedded)


def _linear_branches(n: int, dtype: torch.dtype) -> list[Branch]:
    weights = torch.randn(n, 8, 8, dtype=torch.float64).to(dtype)
    return [lambda x, weight=weight: torch.tanh(x @ weight) for weight in weights]  # type: ignore[misc]


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, (8,))


def _run(residual: ResiDual, x: Tensor, branches: list[Branch], last: Branch = _norm) -> Tensor:
    stream = residual.start(x)
    for branch in branches:
        stream = residual(stream, branch, _norm, no_second_norm)
    return residual.finish(stream, last)


def test_residual_is_the_papers_recurrence() -> None:
    """x_ln <- LN(x_ln + f), x_d <- x_d + f, y = x_ln + LN(x_d): arXiv 2304.14802, section 3.1, written out."""
    x, branches = torch.randn(2, 3, 8).double(), _linear_branches(5, torch.float64)
    normalised, dual = x, x
    for branch in branches:
        f = branch(normalised)
        normalised, dual = _norm(normalised + f), dual + f
    torch.testing.assert_close(_run(ResiDual(1.0, 1.0), x, branches), normalised + _norm(dual))
    torch.testing.assert_close(_run(ResiDual(0.5, 1.0), x, branches), 0.5 * normalised + _norm(dual))


def test_residual_with_one_branch_adds_the_same_normalisation_twice() -> None:
    x, (branch,) = torch.randn(2, 3, 8).double(), _linear_branches(1, torch.float64)
    torch.testing.assert_close(_run(ResiDual(1.0, 1.0), x, [branch]), 2 * _norm(x + branch(x)))


def test_residual_scale_makes_no_difference() -> None:
    x, branches = torch.randn(2, 3, 8).double(), _linear_branches(5, torch.float64)
    last = WideLayerNorm(8, eps=1e-7).double()
    one, small = (_run(ResiDual(1.0, scale), x, branches, last) for scale in (1.0, 0.05))
    torch.testing.assert_close(one, small, rtol=0, atol=1e-4)


def test_residual_sums_beyond_float16() -> None:
    """300 branches of 500 each pass 65,504, float16's largest number; the sum is kept in float32."""
    x = torch.ones(1, 1, 8, dtype=torch.float16)
    residual, last = ResiDual(1.0, 1.0), WideLayerNorm(8, eps=1e-7).half()
    ramp = torch.linspace(-500, 500, 8, dtype=torch.float16).expand(1, 1, 8)
    stream = residual.start(x)
    for _ in range(300):
        stream = residual(stream, lambda _: ramp, lambda x: x - x, no_second_norm)
    assert stream[1].dtype == torch.float32
    assert stream[1].abs().max() > torch.finfo(torch.float16).max
    output = residual.finish(stream, last)
    assert output.dtype == torch.float16
    torch.testing.assert_close(output.float(), F.layer_norm(ramp.float(), (8,)), rtol=0, atol=2e-3)


def test_deepnorm_with_alpha_one_is_postln_to_the_bit(
    build: Callable[..., EncoderDecoder], tokens: Callable[[int, int], Tensor]
) -> None:
    ours, plain = build(scheme="deepnorm").float(), build(scheme="postln").float()
    plain.load_state_dict(ours.state_dict())
    source, target = tokens(3, 6), tokens(3, 5)
    assert not torch.equal(ours(source, target), plain(source, target))
    for module in ours.modules():
        if isinstance(residual := module.__dict__.get("residual"), DeepNorm):
            residual.alpha = 1.0
    outputs = [model(source, target) for model in (ours, plain)]
    assert torch.equal(*outputs)
    for output in outputs:
        output.square().sum().backward()
    for (name, one), (_, other) in zip(ours.named_parameters(), plain.named_parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        assert one.grad is None or torch.equal(one.grad, other.grad), name
