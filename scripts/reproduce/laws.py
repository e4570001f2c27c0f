"""What the theorems say of gradients, streams and updates over the number of layers, and how each is measured."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from mtdeep.nn import Model
from mtdeep.nn.depth_rates import parameter_factors
from mtdeep.nn.factors import DepthRates, Factors
from mtdeep.probe import ProbeBatch
from mtdeep.probe.change import sgd_update
from mtdeep.probe.gradients import gradient_norms
from mtdeep.probe.growth import exponent
from mtdeep.probe.objective import read_tokens, score
from mtdeep.probe.states import observe, run
from mtdeep.probe.updates import EPSILON

LINEAR_RATE = 1e-8
"""So small that thousands of times as much changes nothing that matters."""
TOLERANCE = 0.1
"""How far a fitted exponent may be beyond that of the theorem's function over the same depths."""
Measure = Callable[[Model, Sequence[ProbeBatch]], float]


@dataclass(frozen=True)
class Theory:
    """What a theorem says of a quantity over the number of layers L, up to a constant."""

    formula: str
    growth: Callable[[float], float]
    bound: str
    """at most, at least, or as."""
    source: str

    def exponent(self, depths: Sequence[int]) -> float:
        """Return the exponent of the power of L that is nearest to the theorem's function over these depths."""
        return exponent(depths, [self.growth(depth) for depth in depths])

    def holds(self, fitted: float, depths: Sequence[int]) -> bool:
        """Compare a fitted exponent with the theorem's."""
        beyond = fitted - self.exponent(depths)
        return {"at most": beyond, "at least": -beyond, "as": abs(beyond)}[self.bound] <= TOLERANCE


def power(p: float, bound: str, source: str) -> Theory:
    """Return the theory of a quantity ~ L^p."""
    return Theory(f"L^{p:g}", lambda depth: depth**p, bound, source)


@dataclass(frozen=True)
class Law:
    """One quantity of one scheme over the number of layers L (of each stack, where there are two)."""

    name: str
    scheme: str
    stacks: str
    """encoder, or both."""
    quantity: str
    theory: Theory
    measure: Measure
    uniform_attention: bool = False
    """W^Q = W^K = 0, as the theory of arXiv 2002.04745 has it."""


@dataclass(frozen=True)
class Fit:
    """The exponent p of quantity ~ L^p over the medians of the seeds, and the range of the single seeds' own."""

    p: float
    lowest: float
    highest: float

    @classmethod
    def over(cls, values: dict[int, list[float]]) -> Fit:
        """Fit what was found: {depth: [value of each seed]}."""
        depths = [*values]
        single = [exponent(depths, of_seed) for of_seed in zip(*values.values(), strict=True)]
        return cls(exponent(depths, [statistics.median(each) for each in values.values()]), min(single), max(single))


def last_second_matrix(model: Model, batches: Sequence[ProbeBatch]) -> float:
    """Return the gradient norm of the last layer's second feed-forward matrix (and its bias)."""
    return gradient_norms(model, batches[0])["encoder"].modules["fc2"][-1]


def first_second_matrix(model: Model, batches: Sequence[ProbeBatch]) -> float:
    """Return the gradient norm of the first layer's."""
    return gradient_norms(model, batches[0])["encoder"].modules["fc2"][0]


def stream_square(model: Model, batches: Sequence[ProbeBatch]) -> float:
    """Return the mean square of what leaves the last layer, before the stack's last normalisation."""
    return observe(model, batches[0]).states["encoder"].layers[-1].rms ** 2


def matrices_update(model: Model, batches: Sequence[ProbeBatch]) -> float:
    """Return the relative update of the model by one step of gradient descent on its layers' matrices, by its rate."""
    return [*sgd_update(model, *batches).matrices.values()][-1]


def adam_shift(stack: str, rule: DepthRates, model: Model, batches: Sequence[ProbeBatch]) -> float:
    """Return by how much of their size Adam's first update moves a stack's states, all alike, divided by its rate.

    The update is of the stack's layers, in float64 and so small that the answer is linear. What it moves all tokens'
    states by alike is what a stack that normalises after the sum has to fear.
    """
    model.double().eval()
    probe, batch = batches
    before, _ = run(model, probe)
    score(model, batch).mean.backward()
    factors = parameter_factors(model.config, model.stacks, rule)
    with torch.no_grad():
        for parameter in model.stacks[stack].layers.parameters():
            if parameter.grad is not None:
                direction = parameter.grad / (parameter.grad.abs() + EPSILON)
                parameter.sub_(direction, alpha=LINEAR_RATE * factors.get(parameter, Factors()).rate)
        after, _ = run(model, probe)
    real = read_tokens(stack, probe).ne(model.config.padding_idx)
    shift, size = (after[stack] - before[stack])[real].mean(0), before[stack][real]
    return (shift.square().mean().sqrt() / size.square().mean().sqrt()).item() / LINEAR_RATE


def decay_by_layer(model: Model, batches: Sequence[ProbeBatch]) -> float:
    """Return the factor by which gradients shrink from a layer to the one below, fitted in the logarithms."""
    norms = gradient_norms(model, batches[0])["encoder"].modules["fc2"]
    return math.exp(float(-np.polyfit(range(len(norms)), np.log(norms), 1)[0]))


XIONG, DEEPNET, MAGNETO, RESIDUAL = "arXiv 2002.04745", "arXiv 2203.00555", "arXiv 2210.06423", "arXiv 2304.14802"
LAST, FIRST, STREAM = "gradient, last second matrix", "gradient, first second matrix", "mean square of the stream"
UPDATE = "model update by the matrices, per rate"
ADAM = "shift of all tokens by the first update of Adam, per rate"
ADAM_SLOWER = f"{ADAM}, with `--depth-rates adam`"
POSTLN_GRADIENT = power(0, "at most", f"{XIONG}, Theorem 1")
PRELN_GRADIENT = power(-0.5, "at most", f"{XIONG}, Theorem 1")
DUAL_GRADIENT = power(-0.5, "at least", f"{RESIDUAL}: bounded from below by the second stream, which is Pre-LN's")
PRELN_STREAM = power(1, "as", f"{XIONG}, Lemma 2")
ENCODER, BOTH = f"{DEEPNET}, Theorem 4.2", f"{DEEPNET}, Theorem 4.3"
LOGARITHM = Theory("ln 2L", lambda depth: math.log(2 * depth), "at most", f"{MAGNETO}, equation 17, gain 1")
UNDER_GRADIENT_DESCENT = power(0, "at most", f"{BOTH}, which is of gradient descent")
SCALED = power(0, "at most", "`mtdeep/nn/depth.py`, `deepnorm_adam_rate`")
LEVEL = power(0, "at most", f"{MAGNETO}, equation 17")
LAWS = (
    Law("gradient-postln", "postln", "encoder", LAST, POSTLN_GRADIENT, last_second_matrix, True),
    Law("gradient-preln", "preln", "encoder", LAST, PRELN_GRADIENT, last_second_matrix, True),
    Law("first-residual", "residual", "encoder", FIRST, DUAL_GRADIENT, first_second_matrix),
    Law("stream-preln", "preln", "encoder", STREAM, PRELN_STREAM, stream_square, True),
    Law("update-deepnorm-alone", "deepnorm", "encoder", UPDATE, power(0, "at most", ENCODER), matrices_update),
    Law("update-deepnorm", "deepnorm", "both", UPDATE, power(0, "at most", BOTH), matrices_update),
    Law("update-postln-alone", "postln", "encoder", UPDATE, power(1, "at most", ENCODER), matrices_update),
    # With alpha = beta = 1 the theorem's sum over the encoder counts once for each layer of the decoder.
    Law("update-postln", "postln", "both", UPDATE, power(2, "at most", BOTH), matrices_update),
    Law("update-preln-alone", "preln", "encoder", UPDATE, LOGARITHM, matrices_update),
    Law("update-subln-alone", "subln", "encoder", UPDATE, LEVEL, matrices_update),
    Law("update-subln", "subln", "both", UPDATE, LEVEL, matrices_update),
    *(
        Law(name, "deepnorm", "both", f"{stack}: {quantity}", theory, partial(adam_shift, stack, rule))
        for name, stack, quantity, theory, rule in (
            ("adam-encoder", "encoder", ADAM, UNDER_GRADIENT_DESCENT, "none"),
            ("adam-encoder-scaled", "encoder", ADAM_SLOWER, SCALED, "adam"),
            ("adam-decoder", "decoder", ADAM, UNDER_GRADIENT_DESCENT, "none"),
        )
    ),
)
# Post-LN's gradients from a layer to the one below it: in theory's uniform attention, and as it is drawn.
DECAYS = tuple(
    Law(f"decay-{attention}", "postln", "encoder", LAST, POSTLN_GRADIENT, decay_by_layer, attention == "uniform")
    for attention in ("uniform", "drawn")
)
