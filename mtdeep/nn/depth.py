"""Every constant that follows from depth alone: plain arithmetic on layer counts, no tensors.

N is the number of encoder layers and M the number of decoder layers, each a full Transformer layer (an encoder layer
has two branches, a decoder layer three, a language model's layer two). Nobody else in the package writes these numbers.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple


class StackConstants(NamedTuple):
    """The residual multiplier alpha and the initial gain beta of one stack."""

    alpha: float
    beta: float


def deepnorm_encoder(N: int, M: int) -> StackConstants:
    """Return DeepNorm's constants of an encoder of N layers, which a decoder of M layers reads (M = 0: none does).

    alpha = 0.81 (N^4 M)^(1/16), beta = 0.87 (N^4 M)^(-1/16); alone alpha = (2N)^(1/4), beta = (8N)^(-1/4).
    The printed, rounded 0.81 and 0.87 are meant (exactly 27^(-1/16) and 27^(1/16) / sqrt(2)): every published
    checkpoint was trained with them.

    Raises ValueError when there is no such stack.
    Source: Wang et al., "DeepNet: Scaling Transformers to 1,000 Layers", arXiv 2203.00555, Figure 2.
    """
    _check_layers(N=N)
    if M == 0:
        return _deepnorm_alone(N)
    _check_layers(M=M)
    joint_depth = (N**4 * M) ** (1 / 16)
    return StackConstants(alpha=0.81 * joint_depth, beta=0.87 / joint_depth)


def deepnorm_decoder(N: int, M: int) -> StackConstants:
    """Return DeepNorm's constants of a decoder of M layers, which reads an encoder of N layers (N = 0: none).

    alpha = (3M)^(1/4), beta = (12M)^(-1/4), whatever N; a language model's alpha = (2M)^(1/4), beta = (8M)^(-1/4).

    Raises ValueError when there is no such stack. Source: arXiv 2203.00555, Figure 2.
    """
    _check_layers(M=M)
    if N == 0:
        return _deepnorm_alone(M)
    _check_layers(N=N)
    return StackConstants(alpha=(3 * M) ** 0.25, beta=(12 * M) ** -0.25)


def _deepnorm_alone(layers: int) -> StackConstants:
    return StackConstants(alpha=(2 * layers) ** 0.25, beta=(8 * layers) ** -0.25)


def deepnorm_adam_rate(N: int, M: int) -> float:
    """Return beta_e / alpha_e, by which Adam's rate of the layers of a DeepNorm encoder is multiplied.

    N encoder layers are read by M decoder layers: 0.87 / 0.81 (N^4 M)^(-1/8), about 1.074 (N^4 M)^(-1/8).

    Theorem 4.2 of DeepNet bounds an update of gradient descent. There sqrt(v^2 + w^2) / alpha, which is beta / alpha up
    to a constant, stands twice: a parameter moves the output in this proportion, and its gradient is as large. Adam
    divides the gradient's size out, so that an update moves the output by alpha / beta more than the theorem has it,
    and the more the deeper the stack. Given to the rate, the factor is there twice again. What the first updates push
    is alike for all tokens, and each normalisation of a Post-LN stack shrinks what is not: without the factor a deep
    encoder soon says the same of every token. It is for all parameters of the layers, since what normalisations and
    biases add up to grows with depth as well.

    The factor need not be exact: at 18-18 layers, where it is 0.176, a quarter to a sixteenth of the others' rate does
    as well, whatever that is, and half of it still keeps the encoder.

    Raises ValueError when there is no such stack. Source: ours, from arXiv 2203.00555, Theorems 4.1 to 4.3; measured in
    docs/reproductions/rates.md.
    """
    _check_layers(M=M)
    alpha, beta = deepnorm_encoder(N, M)
    return beta / alpha


def completep(layers: int, tuned_depth: int) -> float:
    """Return 1/m, where m = L / L_base: by what CompleteP multiplies branches and Adam's epsilon, for depth.

    L are a stack's layers, and L_base those for which the learning rate was chosen, which then is the same: block rates
    are times m^(alpha - 1), and alpha is 1. The rules for width, which change rates, are not part of this.

    Raises ValueError when one of them is below one. Source: Dey et al. 2025, "Don't be lazy: CompleteP enables
    compute-efficient deep transformers", arXiv 2505.01618, Table 1.
    """
    _check_layers(L=layers, L_base=tuned_depth)
    return tuned_depth / layers


def subln_encoder(N: int, M: int) -> float:
    """Return Sub-LN's initial gain of an encoder of N layers, which a decoder of M layers reads (M = 0: none does).

    gamma = sqrt(log(3M) log(2N) / 3); alone gamma = sqrt(log 2N); natural logarithms. Unlike DeepNorm's beta it grows
    with depth: with it the size of the first updates does not depend on depth (equation 17).

    Raises ValueError when there is no such stack.
    Source: Wang et al., "Foundation Transformers" (Magneto), arXiv 2210.06423, Figure 2.
    """
    _check_layers(N=N)
    if M == 0:
        return math.sqrt(math.log(2 * N))
    _check_layers(M=M)
    return math.sqrt(math.log(3 * M) * math.log(2 * N) / 3)


def subln_decoder(N: int, M: int) -> float:
    """Return Sub-LN's initial gain of a decoder of M layers, which reads an encoder of N layers (N = 0: none).

    gamma = sqrt(log 3M), whatever N; a language model's gamma = sqrt(log 2M).

    Raises ValueError when there is no such stack. Source: arXiv 2210.06423, Figure 2.
    """
    _check_layers(M=M)
    if N == 0:
        return math.sqrt(math.log(2 * M))
    _check_layers(N=N)
    return math.sqrt(math.log(3 * M))


def ds_init(layer: int) -> float:
    """Return the gain 1 / sqrt(l) of every matrix of layer l, counted from 1 in each stack.

    Raises ValueError when l is below one. Source: Zhang, Titov and Sennrich 2019, "Improving Deep Transformer with
    Depth-Scaled Initialization", arXiv 1908.11365, with alpha = 1.
    """
    _check_layers(l=layer)
    return 1 / math.sqrt(layer)


def layernorm_scaling(layer: int) -> float:
    """Return the factor 1 / sqrt(l) on what the normalisations of layer l give, counted from 1 in each stack.

    Raises ValueError when l is below one. Source: Sun et al. 2025, "The Curse of Depth in Large Language Models", arXiv
    2502.05795, and its code, lmsdss/LayerNorm-Scaling: all normalisations of a layer alike, the final one unscaled.
    """
    _check_layers(l=layer)
    return 1 / math.sqrt(layer)


def keel_encoder(N: int) -> int:
    """Return Keel's multiplier a of an encoder of N layers: its sub-layers, 2N, whatever reads it.

    Raises ValueError when there is no such stack. Source: Chen and Wei 2026, "Post-LayerNorm Is Back", arXiv
    2601.19895, whose decoder-only models have a = number of sub-layers; that each stack counts its own is our reading.
    """
    _check_layers(N=N)
    return 2 * N


def keel_decoder(N: int, M: int) -> int:
    """Return Keel's multiplier a of a decoder of M layers: its sub-layers, 3M; a language model's (N = 0) are 2M.

    Raises ValueError when there is no such stack. Source: as of `keel_encoder`.
    """
    _check_layers(M=M)
    if N == 0:
        return 2 * M
    _check_layers(N=N)
    return 3 * M


def b2t(layers: int) -> float:
    """Return the gain L^(-1/2) of every matrix inside the L layers of a stack.

    Raises ValueError when there is no layer. Source: Takase et al. 2023, "B2T Connection", arXiv 2206.00330, as its
    code has it (takase/b2t_connection, `rescaling_init` in fairseq/modules/transformer_layer.py): embeddings, biases
    and normalisations are left alone.
    """
    _check_layers(L=layers)
    return 1 / math.sqrt(layers)


def branch_warm_up_end(layer: int, T: int) -> int:
    """Return T l: after so many updates the branches of layer l, counted from 1 in each stack, have their whole weight.

    After t updates of fewer their factor is a(l, t) = t / (T l), so that a(l, t) = min(t / (T l), 1).
    Raises ValueError when l or T is below one. Source: Chen et al. 2026, "Progressive Residual Warmup for Language
    Model Pretraining" (ProRes), arXiv 2603.05369.
    """
    _check_layers(l=layer)
    if T < 1:
        raise ValueError(f"T = {T} updates: at least one is needed")
    return T * layer


def espa_amplitude(layer: int, layers: int, gamma: float) -> float:
    """Return a_l = a_L^(l / L) of layer l of L, where a_L = sqrt(1 - exp(-2 gamma)) and a_0 = 1.

    E-SPA's kernel after layer l is exp(-gamma_l |i - j|) with a_l = sqrt(1 - exp(-2 gamma_l)); `gamma` is gamma_L.
    Raises ValueError when l is not one of 0..L. Source: He et al. 2023, "Deep Transformers without Shortcuts", arXiv
    2302.10322, as an independent implementation states it (SimplEsT-ViT).
    """
    _check_layers(L=layers)
    _check_position(layer, layers)
    return math.exp(layer / layers * 0.5 * math.log(-math.expm1(-2 * gamma)))


def uspa_correlation(layer: int, layers: int, rho: float) -> float:
    """Return rho_l, where 1 - rho_l = (1 - rho_L)^(l / L): how alike any two tokens are after layer l of L.

    `rho` is rho_L, and rho_0 = 0. Raises ValueError when l is not one of 0..L.
    Source: arXiv 2302.10322; that the schedule is geometric, as E-SPA's is, is a choice of ours.
    """
    _check_layers(L=layers)
    _check_position(layer, layers)
    return -math.expm1(layer / layers * math.log1p(-rho))


@cache
def tailored_slope(nonlinearities: int, skip_alpha: float = 0.0, highest: float = 0.9) -> float:
    """Return the negative slope of the leaky ReLU with which two unrelated inputs end no more alike than `highest`.

    `nonlinearities` in a row, each mapping the cosine c of two inputs to alpha^2 c + (1 - alpha^2) C(c), where alpha
    is the weight of a skip around it, take 0 to `highest`. 0, a ReLU, where even that stays below. By bisection.
    Raises ValueError without a nonlinearity.
    Source: Zhang et al. 2022, "Tailored Activation Transformations", arXiv 2203.08120, with eta = 0.9.
    """
    _check_layers(nonlinearities=nonlinearities)

    def end(slope: float) -> float:
        c = 0.0
        for _ in range(nonlinearities):
            c = skip_alpha**2 * c + (1 - skip_alpha**2) * leaky_relu_cosine(c, slope)
        return c

    low, high = 0.0, 1.0
    if end(low) <= highest:
        return low
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if end(middle) > highest else (low, middle)
    return high


def leaky_relu_cosine(c: float, slope: float) -> float:
    """Return C(c): how alike two inputs of cosine c are after a wide random layer and a leaky ReLU.

    C(c) = c + (1 - s)^2 / (pi (1 + s^2)) (sqrt(1 - c^2) - c arccos c). Source: arXiv 2203.08120, section 3.
    """
    bend = (1 - slope) ** 2 / (math.pi * (1 + slope**2))
    return c + bend * (math.sqrt(max(0.0, 1 - c * c)) - c * math.acos(min(1.0, c)))


def _check_layers(**layers: int) -> None:
    for symbol, count in layers.items():
        if count < 1:
            raise ValueError(f"{symbol} = {count} layers: at least one is needed")


def _check_position(layer: int, layers: int) -> None:
    if not 0 <= layer <= layers:
        raise ValueError(f"l = {layer} is none of the layers 0..{layers}")
