"""What the states of a layer say about the signal: their size, their spread, their kernel.

Shapes: B sentences, T positions, D width; real (B, T) is True at tokens that are not padding. Everything is computed in
float32 at least. States that are not finite have NaN for a number.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def rms(states: Tensor, real: Tensor) -> float:
    """Root mean square over the entries of all real tokens' states (B, T, D): 1 behind a fresh LayerNorm."""
    return math.sqrt(_exact(states)[real].square().mean().item())


def spread(states: Tensor, real: Tensor) -> float:
    """Standard deviation over the real tokens of states (B, T, D), as the root mean square over the D dimensions.

    0 where every token has the same state.
    """
    return math.sqrt(_exact(states)[real].var(dim=0, correction=0).mean().item())


def cosine(before: Tensor, after: Tensor, real: Tensor) -> float:
    """Mean over the real tokens of the cosine between two states (B, T, D) of each."""
    return torch.cosine_similarity(_exact(before)[real], _exact(after)[real], dim=1).mean().item()


def kernel(states: Tensor, real: Tensor) -> Tensor:
    """Return the kernel (B, T, T) of each sentence: cosines between the states of its tokens, 0 at padding.

    It is the Sigma of "Deep Transformers without Shortcuts" (arXiv 2302.10322), with the diagonal that it asks for, 1.
    """
    unit = torch.nn.functional.normalize(_exact(states).double(), dim=2) * real[:, :, None]
    return unit @ unit.transpose(1, 2)


def kernel_cosine(sigma: Tensor, real: Tensor) -> float:
    """Mean over the sentences of the mean off-diagonal entry of the kernel (B, T, T); 1 where all tokens are alike.

    Sentences of one token have none and do not count; NaN when there are no others.
    """
    length = real.sum(1)
    pairs = length * (length - 1)
    # Not the trace: a state of zeros has no direction, and a 0 on the diagonal.
    off_diagonal = sigma.sum((1, 2)) - sigma.diagonal(dim1=1, dim2=2).sum(1)
    return (off_diagonal[pairs > 0] / pairs[pairs > 0]).mean().item()


def effective_rank(sigma: Tensor, real: Tensor) -> float:
    """Mean over the sentences of the kernel's effective rank, divided by the sentence's length.

    exp(entropy of the eigenvalues divided by their sum) (Roy and Vetterli 2007): 1 / T where the T tokens of a sentence
    are alike, 1 where their states are orthogonal.
    """
    if not bool(sigma.isfinite().all()):
        return math.nan
    eigenvalues = torch.linalg.eigvalsh(sigma).clamp_min(0)
    p = eigenvalues / eigenvalues.sum(1, keepdim=True)
    rank = torch.special.entr(p).sum(1).exp()
    return (rank / real.sum(1)).mean().item()


def token_norm(states: Tensor, real: Tensor) -> float:
    """Mean over the real tokens of the Euclidean norm of their states (B, T, D)."""
    return _exact(states)[real].norm(dim=1).mean().item()


def _exact(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
