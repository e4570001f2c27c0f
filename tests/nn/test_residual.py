from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn import EncoderDecoder
from mtdeep.nn.residual import DeepNorm, PostNorm, PreNorm


def test_definitions() -> None:
    """LN(alpha x + f(x)), LN(x + f(x)), x + f(LN(x)): alpha on the stream, never on the branch."""
    x, weight = torch.randn(2, 3, 8).double(), torch.randn(8, 8).double()

    def branch(x: Tensor) -> Tensor:
        return torch.tanh(x @ weight)

    def norm(x: Tensor) -> Tensor:
        return F.layer_norm(x, (8,))

    torch.testing.assert_close(DeepNorm(2.5)(x, branch, norm), norm(2.5 * x + branch(x)))
    torch.testing.assert_close(PostNorm()(x, branch, norm), norm(x + branch(x)))
    torch.testing.assert_close(PreNorm()(x, branch, norm), x + branch(norm(x)))


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
