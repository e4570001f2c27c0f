"""Constants against tables worked out from arXiv 2203.00555, Figure 2, and 2210.06423, Figure 2 (four decimals)."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import mtdeep.nn
from mtdeep.nn.depth import (
    b2t,
    branch_warm_up_end,
    completep,
    deepnorm_adam_rate,
    deepnorm_decoder,
    deepnorm_encoder,
    ds_init,
    espa_amplitude,
    keel_decoder,
    keel_encoder,
    layernorm_scaling,
    leaky_relu_cosine,
    subln_decoder,
    subln_encoder,
    tailored_slope,
    uspa_correlation,
)

# N = M: encoder alpha, encoder beta, decoder alpha, decoder beta, and (alpha, beta) of a stack on its own.
GOLDEN = {
    6: (1.4179, 0.4970, 2.0598, 0.3433, 1.8612, 0.3799),
    12: (1.7609, 0.4002, 2.4495, 0.2887, 2.2134, 0.3195),
    18: (1.9987, 0.3526, 2.7108, 0.2608, 2.4495, 0.2887),
    24: (2.1868, 0.3223, 2.9130, 0.2427, 2.6321, 0.2686),
    50: (2.7505, 0.2562, 3.4996, 0.2021, 3.1623, 0.2236),
    100: (3.4157, 0.2063, 4.1618, 0.1699, 3.7606, 0.1880),
    500: (5.6482, 0.1248, 6.2233, 0.1136, 5.6234, 0.1257),
}
# N = M: encoder gamma, decoder gamma, gamma of a stack on its own.
GOLDEN_SUBLN = {
    6: (1.5473, 1.7001, 1.5764),
    12: (1.9484, 1.8930, 1.7827),
    18: (2.1829, 1.9972, 1.8930),
    24: (2.3492, 2.0680, 1.9675),
    50: (2.7734, 2.2384, 2.1460),
    100: (3.1739, 2.3883, 2.3018),
    500: (4.1036, 2.7043, 2.6283),
}
# N = M: by what Adam's rate of an encoder's layers is multiplied.
GOLDEN_ADAM_RATES = {6: 0.351, 12: 0.227, 18: 0.176, 50: 0.093, 100: 0.060, 500: 0.022}
# JoeyNMT's own test pins these for N = M = 6.
JOEYNMT_ALPHAS = (1.417938, 2.059767)
CONSTANTS_OF_DEPTH = {0.81, 0.87, 0.25, -0.25, 1.15, 1 / 16}


@pytest.mark.parametrize("layers", GOLDEN)
def test_golden_table(layers: int) -> None:
    both = (*deepnorm_encoder(layers, layers), *deepnorm_decoder(layers, layers))
    assert (*both, *deepnorm_encoder(layers, 0)) == pytest.approx(GOLDEN[layers], abs=5.1e-5)
    assert deepnorm_decoder(0, layers) == deepnorm_encoder(layers, 0)


@pytest.mark.parametrize("layers", GOLDEN_ADAM_RATES)
def test_golden_table_of_adams_rates(layers: int) -> None:
    assert deepnorm_adam_rate(layers, layers) == pytest.approx(GOLDEN_ADAM_RATES[layers], abs=5.1e-4)


@pytest.mark.parametrize(("N", "M"), [(36, 12), (1, 1), (6, 3), (12, 36)])
def test_adams_rate_of_unequal_depths(N: int, M: int) -> None:
    """It falls with the root of N and the eighth root of M, from the ratio of the rounded constants."""
    root_of_M = math.sqrt(math.sqrt(math.sqrt(M)))
    assert deepnorm_adam_rate(N, M) * math.sqrt(N) * root_of_M == pytest.approx(0.87 / 0.81)


def test_joeynmt_alphas() -> None:
    alphas = (deepnorm_encoder(6, 6).alpha, deepnorm_decoder(6, 6).alpha)
    assert alphas == pytest.approx(JOEYNMT_ALPHAS, abs=1e-6)


@pytest.mark.parametrize(("N", "M"), [(36, 12), (1, 1), (6, 3), (12, 36)])
def test_unequal_depths(N: int, M: int) -> None:
    """The encoder follows N^4 M, the decoder M alone (logarithms, so that no power is written twice)."""
    encoder, decoder = deepnorm_encoder(N, M), deepnorm_decoder(N, M)
    joint = (4 * math.log(N) + math.log(M)) / 16
    assert math.log(encoder.alpha) == pytest.approx(math.log(0.81) + joint)
    assert math.log(encoder.beta) == pytest.approx(math.log(0.87) - joint)
    assert math.log(decoder.alpha) == pytest.approx(math.log(3 * M) / 4)
    assert math.log(decoder.beta) == pytest.approx(-math.log(12 * M) / 4)


@pytest.mark.parametrize("layers", GOLDEN_SUBLN)
def test_golden_table_of_subln(layers: int) -> None:
    gammas = (subln_encoder(layers, layers), subln_decoder(layers, layers), subln_encoder(layers, 0))
    assert gammas == pytest.approx(GOLDEN_SUBLN[layers], abs=5.1e-5)
    assert subln_decoder(0, layers) == subln_encoder(layers, 0)


@pytest.mark.parametrize(("N", "M"), [(36, 12), (1, 1), (6, 3), (12, 36)])
def test_unequal_depths_of_subln(N: int, M: int) -> None:
    """The decoder follows M alone; the encoder's square is a third of the decoder's times log 2N."""
    encoder, decoder = subln_encoder(N, M), subln_decoder(N, M)
    assert math.exp(decoder * decoder) == pytest.approx(3 * M)
    assert math.exp(3 * (encoder / decoder) * (encoder / decoder)) == pytest.approx(2 * N)


def test_ds_init_makes_the_variance_of_layer_l_one_l_th() -> None:
    for layer in (1, 2, 50):
        assert ds_init(layer) * ds_init(layer) == pytest.approx(1 / layer)


# L: L^(-1/2), of LayerNorm scaling by layer and of B2T by stack (arXiv 2502.05795 and 2206.00330, four decimals).
INVERSE_ROOTS = {1: 1.0, 2: 0.7071, 6: 0.4082, 18: 0.2357, 50: 0.1414, 100: 0.1, 500: 0.0447}


@pytest.mark.parametrize("layers", INVERSE_ROOTS)
@pytest.mark.parametrize("constant", [layernorm_scaling, b2t])
def test_inverse_roots(constant: Callable[[int], float], layers: int) -> None:
    assert constant(layers) == pytest.approx(INVERSE_ROOTS[layers], abs=5.1e-5)


def test_completep_divides_by_how_much_deeper_a_stack_is() -> None:
    """m = L / L_base (arXiv 2505.01618): 200 layers for 12."""
    assert completep(200, 12) == pytest.approx(0.06)
    assert completep(12, 12) == 1
    with pytest.raises(ValueError, match="L_base = 0 layers"):
        completep(12, 0)


def test_keel_counts_sub_layers() -> None:
    """Two in a layer, three where it reads an encoder (arXiv 2601.19895, an encoder-decoder as we read it)."""
    assert [(keel_encoder(N), keel_decoder(N, M)) for N, M in ((6, 6), (36, 12), (500, 500))] == [
        (12, 18),
        (72, 36),
        (1000, 1500),
    ]
    assert [keel_decoder(0, M) for M in (6, 512)] == [12, 1024]


def test_rounded_constants_are_near_the_exact_ones() -> None:
    """0.81 and 0.87 round 27^(-1/16) and 27^(1/16) / sqrt(2) (the paper's appendix)."""
    alpha, beta = deepnorm_encoder(1, 1)
    assert alpha == pytest.approx(math.exp(-math.log(27) / 16), abs=5e-3)
    assert beta == pytest.approx(math.exp(math.log(27) / 16) / math.sqrt(2), abs=5e-3)


def test_branches_warm_up_one_layer_after_the_other() -> None:
    """With the paper's T of 1,000 updates a stack of 24 layers takes 24,000; with T = 1 one of 500 takes 500."""
    assert [branch_warm_up_end(layer, 1000) for layer in (1, 2, 24)] == [1000, 2000, 24_000]
    assert branch_warm_up_end(500, 1) == 500
    with pytest.raises(ValueError, match="T = 0 updates: at least one is needed"):
        branch_warm_up_end(1, 0)


# n: the slope that takes n non-linearities in a row from 0 to 0.9 (bisected for papers.md, section 5.5).
SLOPES = {18: 0.1461, 24: 0.2385, 36: 0.3511, 72: 0.5084, 100: 0.5704}


@pytest.mark.parametrize("nonlinearities", SLOPES)
def test_tailored_slopes(nonlinearities: int) -> None:
    slope = tailored_slope(nonlinearities)
    assert slope == pytest.approx(SLOPES[nonlinearities], abs=5.1e-5)
    cosine = 0.0
    for _ in range(nonlinearities):
        cosine = leaky_relu_cosine(cosine, slope)
    assert cosine == pytest.approx(0.9, abs=1e-9)


def test_few_nonlinearities_are_relus() -> None:
    assert [tailored_slope(n) for n in (1, 6, 12)] == [0.0, 0.0, 0.0]


def test_skips_let_the_slope_be_smaller() -> None:
    """A skip of weight alpha passes only the part 1 - alpha^2 through the non-linearity."""
    slope = tailored_slope(100, skip_alpha=0.5)
    assert 0 < slope < tailored_slope(100)
    cosine = 0.0
    for _ in range(100):
        cosine = 0.25 * cosine + 0.75 * leaky_relu_cosine(cosine, slope)
    assert cosine == pytest.approx(0.9, abs=1e-9)
    assert tailored_slope(36, skip_alpha=0.98) == 0.0


@pytest.mark.parametrize(("c", "slope"), [(0.0, 0.0), (0.5, 0.2), (-0.3, 0.6), (1.0, 0.3)])
def test_cosine_after_a_leaky_relu_by_sampling(c: float, slope: float) -> None:
    """E[f(u) f(v)] / E[f(u)^2] for normal u, v of correlation c; 4 million pairs err by about 1e-3 (2 sigma)."""
    generator = torch.Generator().manual_seed(5)
    u, w = torch.randn(2, 4_000_000, generator=generator)
    v = c * u + math.sqrt(1 - c * c) * w
    f_u, f_v = (torch.nn.functional.leaky_relu(x, slope) for x in (u, v))
    assert leaky_relu_cosine(c, slope) == pytest.approx(float((f_u * f_v).mean() / f_u.square().mean()), abs=3e-3)


def test_espa_amplitudes_are_geometric() -> None:
    """a_0 = 1 and a_L = sqrt(1 - exp(-2 gamma)); at L = 36 and gamma = 0.005 the ratio is 0.93798 (papers.md, 5.3)."""
    amplitudes = [espa_amplitude(layer, 36, 0.005) for layer in range(37)]
    assert amplitudes[0] == 1
    assert amplitudes[36] == pytest.approx(math.sqrt(1 - math.exp(-0.01)))
    for before, now in itertools.pairwise(amplitudes):
        assert now / before == pytest.approx(0.93798, abs=5.1e-6)


def test_uspa_correlations_are_geometric() -> None:
    correlations = [uspa_correlation(layer, 8, 0.8) for layer in range(9)]
    assert (correlations[0], correlations[8]) == pytest.approx((0, 0.8))
    for before, now in itertools.pairwise(correlations):
        assert math.log((1 - now) / (1 - before)) == pytest.approx(math.log(0.2) / 8)


@pytest.mark.parametrize(
    "call",
    [
        lambda: deepnorm_encoder(0, 6),
        lambda: deepnorm_decoder(6, 0),
        lambda: deepnorm_encoder(-1, 0),
        lambda: deepnorm_decoder(-1, 6),
        lambda: deepnorm_adam_rate(0, 6),
        lambda: deepnorm_adam_rate(6, 0),
        lambda: subln_encoder(6, -1),
        lambda: subln_encoder(0, 0),
        lambda: subln_decoder(0, 0),
        lambda: layernorm_scaling(0),
        lambda: keel_encoder(0),
        lambda: keel_decoder(6, 0),
        lambda: keel_decoder(-1, 6),
        lambda: b2t(0),
        lambda: tailored_slope(0),
        lambda: espa_amplitude(0, 0, 0.005),
        lambda: branch_warm_up_end(0, 1000),
    ],
)
def test_no_layers(call: object) -> None:
    with pytest.raises(ValueError, match="at least one"):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("schedule", [espa_amplitude, uspa_correlation])
@pytest.mark.parametrize("layer", [-1, 7])
def test_layers_outside_the_stack(schedule: Callable[[int, int, float], float], layer: int) -> None:
    with pytest.raises(ValueError, match=r"none of the layers 0\.\.6"):
        schedule(layer, 6, 0.5)


def _constant(node: ast.expr) -> float | None:
    match node:
        case ast.Constant(value=float() | int() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _constant(operand)
            return None if value is None else -value
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            above, below = _constant(left), _constant(right)
            return above / below if above is not None and below else None
    return None


def test_only_depth_writes_the_constants() -> None:
    package = Path(mtdeep.nn.__file__).parent
    for path in package.glob("*.py"):
        found = {_constant(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.expr)}
        found &= CONSTANTS_OF_DEPTH
        assert bool(found) == (path.name == "depth.py"), f"{path.name}: {found}"
