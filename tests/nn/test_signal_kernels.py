"""Attention matrices against the kernels that they are to make (arXiv 2302.10322; papers.md, section 5.3)."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from mtdeep.nn import signal_kernels
from mtdeep.nn.depth import espa_amplitude, uspa_correlation

LENGTH = 64


def uniform_kernel(length: int, rho: float) -> Tensor:
    return (1 - rho) * torch.eye(length, dtype=torch.float64) + rho


# Kind: a layer's causal matrix and a stack's symmetric ones, the kernel that a value of the schedule stands for, the
# schedule (layer, layers) -> value.
KINDS = {
    "espa": (
        (signal_kernels.exponential_causal, signal_kernels.exponential_symmetric),
        signal_kernels.exponential_kernel,
        lambda layer, layers: espa_amplitude(layer, layers, 0.005),
    ),
    "uspa": (
        (signal_kernels.uniform_causal, signal_kernels.uniform_symmetric),
        uniform_kernel,
        lambda layer, layers: uspa_correlation(layer, layers, 0.8),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [6, 36, 100])
@pytest.mark.parametrize("symmetric", [False, True])
def test_the_product_of_all_layers_makes_the_last_kernel(kind: str, layers: int, symmetric: bool) -> None:
    """Pi Pi' = Sigma_L, and after each layer Sigma_l, from unrelated tokens on."""
    (causal, of_stack), kernel, schedule = KINDS[kind]
    values = [schedule(layer, layers) for layer in range(layers + 1)]
    pairs = itertools.pairwise(values)
    matrices = of_stack(LENGTH, values) if symmetric else (causal(LENGTH, before, now) for before, now in pairs)
    product = torch.eye(LENGTH, dtype=torch.float64)
    for now, attention in zip(values[1:], matrices, strict=True):
        product = attention @ product
        torch.testing.assert_close(product @ product.T, kernel(LENGTH, now), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_causal_matrices_are_ratios_of_cholesky_factors(kind: str) -> None:
    (causal, _), kernel, schedule = KINDS[kind]
    for layer in range(1, 13):
        before, now = schedule(layer - 1, 12), schedule(layer, 12)
        factors = (torch.linalg.cholesky(kernel(LENGTH, value)) for value in (before, now))
        expected = torch.linalg.solve_triangular(*factors, upper=False, left=False)
        found = causal(LENGTH, before, now)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
        assert not found.triu(1).any()
        assert bool((found >= 0).all())
        torch.testing.assert_close(causal(20, before, now), found[:20, :20], rtol=0, atol=1e-14)


def test_espas_causal_diagonal_is_the_ratio_of_the_schedule() -> None:
    """a_L^(1/L) = 0.93798 for each of 36 layers; the first row looks at itself alone; rows sum to 1.00 up to 1.44."""
    sums = []
    for layer in range(1, 37):
        before, now = (espa_amplitude(n, 36, 0.005) for n in (layer - 1, layer))
        attention = signal_kernels.exponential_causal(128, before, now)
        assert attention[0, 0] == 1
        torch.testing.assert_close(attention.diagonal()[1:], torch.full((127,), 0.93798).double(), rtol=0, atol=5.1e-6)
        sums.append(attention.sum(1))
    highest, lowest = torch.stack(sums).max().item(), torch.stack(sums).min().item()
    assert lowest == pytest.approx(1, abs=1e-12)
    assert highest == pytest.approx(1.44, abs=0.01)


@pytest.mark.parametrize(("layers", "length"), [(6, 32), (12, 128), (36, 128), (100, 256)])
def test_nothing_but_rounding_is_cut_off_symmetric_matrices(layers: int, length: int) -> None:
    """Roots of the kernels, multiplied here without the cut: no entry is below -1e-14 (papers.md: -2.5e-15)."""
    for layer in {1, 2, layers // 2, layers}:
        before, now = (espa_amplitude(n, layers, 0.005) for n in (layer - 1, layer))
        roots = []
        for value, exponent in ((now, 0.5), (before, -0.5)):
            values, vectors = torch.linalg.eigh(signal_kernels.exponential_kernel(length, value))
            roots.append((vectors * values**exponent) @ vectors.T)
        exact = roots[0] @ roots[1]
        assert exact.min().item() > -1e-14
        (found,) = signal_kernels.exponential_symmetric(length, (before, now))
        torch.testing.assert_close(found, exact.clamp(min=0), rtol=0, atol=1e-13)


def test_each_kernel_is_decomposed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For both of its roots; what a layer is given does not depend on the layers before it in the schedule."""
    decompose, kernels = torch.linalg.eigh, []
    monkeypatch.setattr(torch.linalg, "eigh", lambda kernel: kernels.append(kernel) or decompose(kernel))
    schedule = [espa_amplitude(layer, 6, 0.005) for layer in range(7)]
    together = list(signal_kernels.exponential_symmetric(LENGTH, schedule))
    assert len(kernels) == 7
    for pair, attention in zip(itertools.pairwise(schedule), together, strict=True):
        (alone,) = signal_kernels.exponential_symmetric(LENGTH, pair)
        assert torch.equal(attention, alone)


def test_a_single_token_keeps_itself() -> None:
    one = torch.ones(1, 1).double()
    for (causal, symmetric), _, _ in KINDS.values():
        for found in (causal(1, 0.5, 0.4), *symmetric(1, (0.5, 0.4))):
            torch.testing.assert_close(found, one, rtol=0, atol=1e-15)
