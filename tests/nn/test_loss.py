"""Against fairseq 0.12.2's `label_smoothed_nll_loss`, written again from its formula, and fairseq's own if present."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mtdeep.nn import linear_cross_entropy

PAD = 1
EPS = 0.1


def reference(features: Tensor, weight: Tensor, target: Tensor, eps: float = EPS) -> tuple[Tensor, Tensor]:
    log_p = torch.log_softmax(features @ weight.t(), dim=-1)
    real = target != PAD
    nll = -log_p[torch.arange(len(target)), target][real].sum()
    eps_i = eps / (weight.size(0) - 1)
    return (1 - eps - eps_i) * nll + eps_i * -log_p[real].sum(), nll


def example(tokens: int = 20, padded: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    features = torch.randn(tokens, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    target = torch.randint(2, 11, (tokens,))
    if padded:
        target[::4] = PAD
    return features, weight, target


@pytest.mark.parametrize("chunk", [1, 7, 20, 512])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("eps", [0.0, 0.1, 0.3])
def test_value_and_gradients(chunk: int, padded: bool, eps: float) -> None:
    features, weight, target = example(padded=padded)
    ours = linear_cross_entropy(features, weight, target, label_smoothing=eps, padding_idx=PAD, chunk=chunk)
    theirs = reference(features, weight, target, eps)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert not ours[1].requires_grad
    gradients = [torch.autograd.grad(2.5 * loss, (features, weight)) for loss in (ours[0], theirs[0])]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_fairseqs_own() -> None:
    module = pytest.importorskip("fairseq.criterions.label_smoothed_cross_entropy")
    features, weight, target = example()
    log_p = torch.log_softmax(features @ weight.t(), -1)
    theirs = module.label_smoothed_nll_loss(log_p, target, EPS, ignore_index=PAD)
    ours = linear_cross_entropy(features, weight, target, label_smoothing=EPS, padding_idx=PAD)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_gradcheck() -> None:
    features, weight, target = example()

    def loss(features: Tensor, weight: Tensor) -> Tensor:
        return linear_cross_entropy(features, weight, target, label_smoothing=EPS, padding_idx=PAD, chunk=6)[0]

    assert torch.autograd.gradcheck(loss, (features, weight))
    assert torch.autograd.gradcheck(lambda x: loss(x, weight.detach()), (features,))
    assert torch.autograd.gradcheck(lambda w: loss(features.detach(), w), (weight,))


def test_no_gradient_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    features, weight, target = example()
    expected = linear_cross_entropy(features, weight, target, label_smoothing=EPS, padding_idx=PAD)
    monkeypatch.setattr("mtdeep.nn.loss._add_gradients", None)
    with torch.no_grad():
        found = linear_cross_entropy(features, weight, target, label_smoothing=EPS, padding_idx=PAD)
    assert not found[0].requires_grad
    assert found[0] == expected[0] and found[1] == expected[1]


def test_autocast_sums_in_float32() -> None:
    features, weight, target = (torch.randn(300, 32), torch.randn(500, 32), torch.randint(2, 500, (300,)))
    weight *= 0.2
    exact = reference(features.double(), weight.double(), target)[0]
    features.requires_grad_()
    weight.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = linear_cross_entropy(features, weight, target, label_smoothing=EPS, padding_idx=PAD, chunk=100)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=2e-3)
    gradients = torch.autograd.grad(reference(features, weight, target)[0], (features, weight))
    for found, expected in zip((features.grad, weight.grad), gradients, strict=True):
        assert found is not None and found.dtype == torch.float32
        assert (found - expected).norm() / expected.norm() < 1e-2


def scaled_gradients(dtype: torch.dtype, scale: float, x: Tensor, w: Tensor, target: Tensor) -> list[Tensor]:
    """Gradients of features and weight of type *dtype*, in float64, with the loss scale taken out again."""
    features, weight = (tensor.clone().to(dtype).requires_grad_() for tensor in (x, w))
    loss, _ = linear_cross_entropy(features, weight, target, label_smoothing=0.0, padding_idx=PAD, chunk=64)
    (loss * scale).backward()
    assert features.grad is not None and weight.grad is not None
    assert features.grad.dtype == weight.grad.dtype == dtype
    return [features.grad.double() / scale, weight.grad.double() / scale]


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize(("dtype", "scale", "error"), [(torch.float16, 1024.0, 1e-2), (torch.bfloat16, 1.0, 8e-2)])
def test_half_gradients_with_a_loss_scale(dtype: torch.dtype, scale: float, error: float, padded: bool) -> None:
    """Also of the rare words, whose probabilities of about 3e-7 have next to no digits in float16.

    The numbers of the example are exact in both types. `error`: logits of 8 and more are rounded, in float16 to
    2^-8, in bfloat16 to 2^-5, and so much of itself is a probability wrong.
    """
    x = (torch.randn(256, 8) * 8).round() / 8
    w = (torch.randn(2000, 8) * 8).round() / 8
    x[:, 0] = 1.0
    w[:1000, 0] = 8.0
    target = torch.randint(2, 20, (256,))
    if padded:
        target[::4] = PAD
    expected = scaled_gradients(torch.float32, 1.0, x, w, target)
    for found, exact in zip(scaled_gradients(dtype, scale, x, w, target), expected, strict=True):
        assert ((found - exact).norm(dim=1) <= error * exact.norm(dim=1) + 2e-7 / scale).all()


def test_a_large_half_gradient_is_scaled_before_it_is_rounded() -> None:
    """Sums over many tokens pass float16's 65504, and a gradient that arrives below 1 brings them back."""
    x, w = torch.full((4096, 2), 32.0), torch.zeros(50, 2)
    target = torch.full((4096,), 7)
    expected = scaled_gradients(torch.float32, 2**-12, x, w, target)[1]
    assert expected[7].abs().min() > 65504
    found = scaled_gradients(torch.float16, 2**-12, x, w, target)[1]
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=0.5)


def test_half_products_stay_in_range() -> None:
    """One chunk's sum over its tokens passes 65504 too."""
    x, w = torch.full((512, 2), 256.0), torch.zeros(50, 2)
    target = torch.full((512,), 7)
    features, weight = x.half().requires_grad_(), w.half().requires_grad_()
    loss, _ = linear_cross_entropy(features, weight, target, label_smoothing=0.0, padding_idx=PAD)
    (loss / 512).backward()
    assert weight.grad is not None
    assert weight.grad[7].tolist() == pytest.approx([-256 * 49 / 50] * 2, rel=1e-3)


def test_far_logits_stay_finite() -> None:
    """A target whose probability underflows in float32 still has its loss."""
    features, weight = torch.tensor([[300.0]]), torch.tensor([[1.0], [-1.0], [0.0]])
    features.requires_grad_()
    loss, nll = linear_cross_entropy(features, weight, torch.tensor([2]), label_smoothing=0.0, padding_idx=PAD)
    assert nll.item() == pytest.approx(300.0) and loss.isfinite()


def test_only_padding() -> None:
    features, weight, target = example()
    target[:] = PAD
    loss, nll = linear_cross_entropy(features, weight, target, label_smoothing=EPS, padding_idx=PAD)
    loss.backward()
    assert loss.item() == nll.item() == 0
    assert not features.grad.any() and not weight.grad.any()  # type: ignore[union-attr]


def test_backward_twice() -> None:
    features, weight, target = example()
    loss, _ = linear_cross_entropy(features, weight, target, label_smoothing=EPS, padding_idx=PAD)
    first = torch.autograd.grad(loss, weight, retain_graph=True)[0].clone()
    assert torch.equal(torch.autograd.grad(loss, weight)[0], first)


def test_chunk_below_one() -> None:
    with pytest.raises(ValueError, match="chunk 0"):
        linear_cross_entropy(*example(), label_smoothing=EPS, padding_idx=PAD, chunk=0)
