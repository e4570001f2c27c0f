"""Counting on programs whose bytes and operations one can count by hand."""

from __future__ import annotations

import torch

from mtdeep.planning.live_bytes import LiveBytes


def test_what_is_dropped_counts_no_longer_and_views_count_nothing() -> None:
    with LiveBytes() as tensors:
        tensors.begin("first")
        x = torch.empty(100, dtype=torch.float32)
        y = x[10:20].view(2, 5)
        assert tensors.live == 400
        del x
        assert tensors.live == 400  # the view still needs all of it
        del y
        assert tensors.live == 0
        tensors.begin("second")
        _ = torch.empty(7, dtype=torch.int64) + 1
    assert tensors.peaks["first", "aten.empty.memory_format"] == 400
    assert tensors.peaks["second", "aten.add.Tensor"] == 2 * 7 * 8


def test_takes_no_memory() -> None:
    with LiveBytes() as tensors:
        x = torch.empty(10**9, 10**6)
    assert tensors.live == 4 * 10**15
    assert x.shape == (10**9, 10**6)


def test_a_program_may_look_at_real_tensors() -> None:
    real = torch.tensor([1, 0, 1, 1])
    with LiveBytes():
        chosen = torch.empty(4, 3)[real.bool()] if bool(real.any()) else None
    assert chosen is not None
    assert chosen.shape == (3, 3)


def test_matrix_products_are_counted_forward_and_backward() -> None:
    with LiveBytes() as tensors:
        a, b = torch.empty(2, 3, requires_grad=True), torch.empty(3, 5, requires_grad=True)
        (a @ b).sum().backward()
    assert tensors.flops == 3 * (2 * 2 * 3 * 5)


def test_fused_attention_is_counted() -> None:
    q = (2, 4, 6, 8)  # batch, heads, queries, width of a head
    with LiveBytes() as tensors:
        x = torch.empty(q, requires_grad=True)
        torch.nn.functional.scaled_dot_product_attention(x, x, x).sum().backward()
    product = 2 * 2 * 4 * 6 * 6 * 8
    assert tensors.flops == 2 * product + 5 * product  # backward makes the scores again
