"""Dropout and attention on a CPU, forward and backward: mtdeep's beside torch's own, alternating.

Usage: python scripts/bench/cpu_kernels.py [--quick]

One batch of about 2,000 tokens at width 256 (4 heads), sentences of 20 to 160 tokens, float32 and bfloat16. The last
line is one JSON object; its ratio is torch's time over mtdeep's, the smallest of all sizes.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import machine, versions

from mtdeep.nn.dot_product import dot_product_attention
from mtdeep.nn.dropout import dropout
from mtdeep.nn.visibility import Visibility

TOKENS, HEADS, HEAD_DIM, DROPOUT = 2000, 4, 64, 0.1
Measured = tuple[float, float]


def main(repeats: int) -> None:
    """Print one line a size, then the summary."""
    torch.manual_seed(1)
    ratios: list[float] = []
    agree = True
    for dtype in (torch.float32, torch.bfloat16):
        ratios.append(measure_dropout(dtype, repeats))
        for length in (20, 40, 80, 160):
            ratio, equal = measure_attention(dtype, length, repeats)
            ratios.append(ratio)
            agree &= equal
    summary = {
        "name": "cpu_kernels",
        "unit": "time of a forward and backward pass",
        "ours": 1,
        "peer": round(min(ratios), 2),
        "ratio": round(min(ratios), 2),
        "agree": agree,
        "versions": versions("torch"),
        "machine": f"{machine()}, {torch.get_num_threads()} threads",
    }
    print(json.dumps(summary))


def measure_dropout(dtype: torch.dtype, repeats: int) -> float:
    """Compare on (T, D); returns torch's time over mtdeep's. Random elements have nothing to agree on."""
    x = torch.randn(TOKENS, HEADS * HEAD_DIM, dtype=dtype, requires_grad=True)
    times = alternate(
        lambda: dropout(x, DROPOUT, True), lambda: F.dropout(x, DROPOUT, True), torch.ones_like(x), repeats
    )
    return show("dropout", dtype, TOKENS, times)


def measure_attention(dtype: torch.dtype, length: int, repeats: int) -> tuple[float, bool]:
    """Compare on padded sentences; returns torch's time over mtdeep's, and whether the results are equal."""
    q, k, v, upstream = (_heads(length, dtype) for _ in range(4))
    padding = torch.arange(q.size(0))[:, None, None, None] % (length // 2)
    mask = torch.arange(length) < length - padding
    visible = Visibility(mask)

    def ours() -> Tensor:
        return dot_product_attention(q, k, v, visible, 0.0)

    def peer() -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    equal = torch.allclose(ours(), peer(), atol=1e-5 if dtype == torch.float32 else 2e-2)
    return show("attention", dtype, length, alternate(ours, peer, upstream, repeats)), equal


def _heads(length: int, dtype: torch.dtype) -> Tensor:
    """Return (B, H, T, hd) as a projection leaves it: the heads side by side in memory."""
    x = torch.randn(TOKENS // length, length, HEADS, HEAD_DIM, dtype=dtype)
    return x.transpose(1, 2).requires_grad_()


def alternate(ours: Callable[[], Tensor], peer: Callable[[], Tensor], upstream: Tensor, repeats: int) -> Measured:
    """Return the median seconds of a forward and backward pass of each."""
    seconds: dict[Callable[[], Tensor], list[float]] = {ours: [], peer: []}
    for _ in range(repeats):
        for function, measured in seconds.items():
            start = time.perf_counter()
            for _ in range(5):
                function().backward(upstream)
            measured.append((time.perf_counter() - start) / 5)
    return statistics.median(seconds[ours]), statistics.median(seconds[peer])


def show(name: str, dtype: torch.dtype, size: int, times: Measured) -> float:
    """Print one line and return the ratio."""
    ours, peer = times
    print(
        f"{name:9} {str(dtype)[6:]:8} {size:5}  mtdeep {ours * 1e3:6.2f} ms  torch {peer * 1e3:6.2f} ms  "
        f"{peer / ours:.2f}x"
    )
    return peer / ours


if __name__ == "__main__":
    main(5 if "--quick" in sys.argv[1:] else 21)
