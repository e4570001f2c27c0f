"""Attention matrices by which the likeness of tokens follows a planned course through a network without skips.

In a skipless network whose value and output matrices are orthogonal, the kernel of the tokens after layer l is
Sigma_l = Pi Pi' with Pi = A_l ... A_1, if tokens are unrelated at first. Given the Sigma_l that one wants, causal
attention must be A_l = L_l L_(l-1)^-1 with L_l the Cholesky factor of Sigma_l, and attention to both sides
A_l = Sigma_l^(1/2) Sigma_(l-1)^(-1/2) with symmetric roots. The two kernels are the exponential exp(-gamma_l |i - j|),
given by a_l = sqrt(1 - exp(-2 gamma_l)), and the uniform one, 1 on the diagonal and rho_l elsewhere.
Source: He et al. 2023, "Deep Transformers without Shortcuts", arXiv 2302.10322 (E-SPA and U-SPA).

All matrices are (T, T) in float64; rows are queries.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


def exponential_kernel(length: int, a: float) -> Tensor:
    """Return exp(-gamma |i - j|), where exp(-gamma) = sqrt(1 - a^2); unrelated tokens have a = 1."""
    positions = torch.arange(length, dtype=torch.float64, device="cpu")
    return math.sqrt(1 - a * a) ** (positions[:, None] - positions).abs()


def exponential_causal(length: int, a_before: float, a: float) -> Tensor:
    """Return E-SPA's causal attention from a_(l-1) to a_l <= a_(l-1), in closed form.

    With lambda = sqrt(1 - a^2), its value before, mu, and r = a / a_before: first column lambda^(i-1) (lambda - r mu)
    under a 1; diagonal r; below it r lambda^(i-j-1) (lambda - mu). A longer one begins with a shorter one.
    """
    now, before, ratio = math.sqrt(1 - a * a), math.sqrt(1 - a_before * a_before), a / a_before
    positions = torch.arange(length, dtype=torch.float64, device="cpu")
    behind = positions[:, None] - positions
    attention = ratio * (now - before) * now ** (behind - 1).clamp(min=0)
    attention[:, 0] = (now - ratio * before) * now ** (positions - 1).clamp(min=0)
    attention.diagonal().fill_(ratio)
    attention[0, 0] = 1
    return attention.tril()


def exponential_symmetric(length: int, schedule: Sequence[float]) -> Iterator[Tensor]:
    """Yield E-SPA's attention to both sides from a_(l-1) to a_l, layer by layer; schedule is a_0, a_1, ..., a_L.

    A kernel is decomposed once for both of its roots: that of the layer that makes it, and the inverse one of the next.
    That the entries are not negative is an observation, of the paper's too; what rounding leaves below 0 is cut off.
    """
    values, vectors = torch.linalg.eigh(exponential_kernel(length, schedule[0]))
    for a in schedule[1:]:
        inverse_root = _power(values, vectors, -0.5)
        values, vectors = torch.linalg.eigh(exponential_kernel(length, a))
        yield (_power(values, vectors, 0.5) @ inverse_root).clamp(min=0)


def uniform_causal(length: int, rho_before: float, rho: float) -> Tensor:
    """Return U-SPA's causal attention from rho_(l-1) to rho_l >= rho_(l-1); a longer one begins with a shorter one."""
    before = torch.linalg.cholesky(_uniform_kernel(length, rho_before))
    now = torch.linalg.cholesky(_uniform_kernel(length, rho))
    return torch.linalg.solve_triangular(before, now, upper=False, left=False).clamp(min=0)


def uniform_symmetric(length: int, schedule: Sequence[float]) -> Iterator[Tensor]:
    """Yield U-SPA's attention to both sides from rho_(l-1) to rho_l, layer by layer; schedule is rho_0, ..., rho_L.

    Both kernels have the eigenvalues 1 - rho and, along (1, ..., 1), 1 + (T - 1) rho: the roots follow from them.
    """
    for rho_before, rho in itertools.pairwise(schedule):
        across = math.sqrt((1 - rho) / (1 - rho_before))
        along = math.sqrt((1 + (length - 1) * rho) / (1 + (length - 1) * rho_before))
        attention = torch.full((length, length), (along - across) / length, dtype=torch.float64, device="cpu")
        attention.diagonal().add_(across)
        yield attention


def _uniform_kernel(length: int, rho: float) -> Tensor:
    kernel = torch.full((length, length), rho, dtype=torch.float64, device="cpu")
    return kernel.fill_diagonal_(1.0)


def _power(values: Tensor, vectors: Tensor, exponent: float) -> Tensor:
    """Return the power of the matrix that has these eigenvalues (T) and eigenvectors (T, T)."""
    return (vectors * values**exponent) @ vectors.T
