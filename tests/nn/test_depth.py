"""Constants against tables worked out from arXiv 2203.00555, Figure 2, and 2210.06423, Figure 2 (four decimals)."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import pytest

import mtdeep.nn
from mtdeep.nn import deepnorm, deepnorm_decoder_only, deepnorm_encoder_only
from mtdeep.nn.depth import ds_init, subln, subln_decoder_only, subln_encoder_only

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
# JoeyNMT's own test pins these for N = M = 6.
JOEYNMT_ALPHAS = (1.417938, 2.059767)
CONSTANTS_OF_DEPTH = {0.81, 0.87, 0.25, -0.25, 1.15, 1 / 16}


@pytest.mark.parametrize("layers", GOLDEN)
def test_golden_table(layers: int) -> None:
    constants = (*deepnorm(layers, layers), *deepnorm_encoder_only(layers))
    assert constants == pytest.approx(GOLDEN[layers], abs=5.1e-5)
    assert deepnorm_decoder_only(layers) == deepnorm_encoder_only(layers)


def test_joeynmt_alphas() -> None:
    constants = deepnorm(6, 6)
    assert (constants.encoder_alpha, constants.decoder_alpha) == pytest.approx(JOEYNMT_ALPHAS, abs=1e-6)


@pytest.mark.parametrize(("N", "M"), [(36, 12), (1, 1), (6, 3), (12, 36)])
def test_unequal_depths(N: int, M: int) -> None:
    """The encoder follows N^4 M, the decoder M alone (logarithms, so that no power is written twice)."""
    constants = deepnorm(N, M)
    joint = (4 * math.log(N) + math.log(M)) / 16
    assert math.log(constants.encoder_alpha) == pytest.approx(math.log(0.81) + joint)
    assert math.log(constants.encoder_beta) == pytest.approx(math.log(0.87) - joint)
    assert math.log(constants.decoder_alpha) == pytest.approx(math.log(3 * M) / 4)
    assert math.log(constants.decoder_beta) == pytest.approx(-math.log(12 * M) / 4)


@pytest.mark.parametrize("layers", GOLDEN_SUBLN)
def test_golden_table_of_subln(layers: int) -> None:
    constants = (*subln(layers, layers), subln_encoder_only(layers))
    assert constants == pytest.approx(GOLDEN_SUBLN[layers], abs=5.1e-5)
    assert subln_decoder_only(layers) == subln_encoder_only(layers)


@pytest.mark.parametrize(("N", "M"), [(36, 12), (1, 1), (6, 3), (12, 36)])
def test_unequal_depths_of_subln(N: int, M: int) -> None:
    """The decoder follows M alone; the encoder's square is a third of the decoder's times log 2N."""
    constants = subln(N, M)
    assert math.exp(constants.decoder_gamma * constants.decoder_gamma) == pytest.approx(3 * M)
    ratio = constants.encoder_gamma / constants.decoder_gamma
    assert math.exp(3 * ratio * ratio) == pytest.approx(2 * N)


def test_ds_init_makes_the_variance_of_layer_l_one_l_th() -> None:
    for layer in (1, 2, 50):
        assert ds_init(layer) * ds_init(layer) == pytest.approx(1 / layer)


def test_rounded_constants_are_near_the_exact_ones() -> None:
    """0.81 and 0.87 round 27^(-1/16) and 27^(1/16) / sqrt(2) (the paper's appendix)."""
    alpha, beta, _, _ = deepnorm(1, 1)
    assert alpha == pytest.approx(math.exp(-math.log(27) / 16), abs=5e-3)
    assert beta == pytest.approx(math.exp(math.log(27) / 16) / math.sqrt(2), abs=5e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: deepnorm(0, 6),
        lambda: deepnorm(6, 0),
        lambda: deepnorm_encoder_only(-1),
        lambda: subln(6, 0),
        lambda: subln_encoder_only(0),
    ],
)
def test_no_layers(call: object) -> None:
    with pytest.raises(ValueError, match="at least one"):
        call()  # type: ignore[operator]


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
