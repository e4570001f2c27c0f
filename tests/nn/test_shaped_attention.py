"""Shaped attention: the planned matrix at the start, whatever the padding and however it is decoded."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import torch
from torch import Tensor

from mtdeep.nn import signal_kernels
from mtdeep.nn.initialise import initialise
from mtdeep.nn.shaped_attention import (
    CausalShapedAttention,
    SymmetricMatrices,
    ValueSkipInit,
    symmetric_shaped_attention,
)
from mtdeep.nn.visibility import ALL_KEYS, UP_TO_THE_QUERY, Visibility

ROWS, HEADS, LENGTH, HEAD = 2, 3, 9, 4


def causal(length: int) -> Tensor:
    return signal_kernels.exponential_causal(length, 0.9, 0.7)


def symmetric(length: int) -> list[Tensor]:
    return list(signal_kernels.exponential_symmetric(length, (1, 0.9, 0.7)))


def attend_to_both_sides(
    matrices: SymmetricMatrices, queries: Tensor, keys: Tensor, values: Tensor, visible: Visibility = ALL_KEYS
) -> Tensor:
    """Attend as the last of an encoder's layers does."""
    *_, told = matrices(visible, queries[:, 0])
    return symmetric_shaped_attention(queries, keys, values, told, 0.0)


def heads(length: int = LENGTH) -> Tensor:
    return torch.randn(ROWS, HEADS, length, HEAD, dtype=torch.float64)


def test_without_queries_causal_attention_is_the_planned_matrix() -> None:
    keys, values = heads(), heads()
    found = CausalShapedAttention(causal)(torch.zeros_like(keys), keys, values, UP_TO_THE_QUERY, 0.0)
    torch.testing.assert_close(found, causal(LENGTH) @ values, rtol=0, atol=1e-14)


def test_with_queries_it_is_the_formula() -> None:
    """D softmax(Q K' / sqrt(hd) + B) V, written out."""
    queries, keys, values = heads(), heads(), heads()
    attention = causal(LENGTH)
    sums = attention.sum(1, keepdim=True)
    scores = queries @ keys.transpose(2, 3) / HEAD**0.5 + (attention / sums).log()
    found = CausalShapedAttention(causal)(queries, keys, values, UP_TO_THE_QUERY, 0.0)
    torch.testing.assert_close(found, sums * (scores.softmax(-1) @ values), rtol=0, atol=1e-13)


def test_last_queries_alone_get_the_last_rows() -> None:
    """As in decoding with a cache, over matrices that grow."""
    attend = CausalShapedAttention(causal)
    queries, keys, values = heads(80), heads(80), heads(80)
    whole = attend(queries, keys, values, UP_TO_THE_QUERY, 0.0)
    fresh = CausalShapedAttention(causal)
    for end in (1, 30, 80):
        step = fresh(queries[:, :, end - 1 : end], keys[:, :, :end], values[:, :, :end], ALL_KEYS, 0.0)
        torch.testing.assert_close(step, whole[:, :, end - 1 : end], rtol=0, atol=1e-13)


@pytest.mark.parametrize("left", [False, True])
def test_padding_leaves_the_real_tokens_what_they_are_alone(left: bool) -> None:
    matrices = SymmetricMatrices(symmetric, 500)
    queries, keys, values = heads(), heads(), heads()
    lengths = (LENGTH, 5)
    spans = [slice(LENGTH - n, LENGTH) if left else slice(0, n) for n in lengths]
    padding = torch.ones(ROWS, LENGTH, dtype=torch.bool)
    for row, span in enumerate(spans):
        padding[row, span] = False
    found = attend_to_both_sides(matrices, queries, keys, values, Visibility.of_padding(padding))
    assert bool(found.isfinite().all())
    for row, span in enumerate(spans):
        alone = attend_to_both_sides(matrices, *(x[row : row + 1, :, span] for x in (queries, keys, values)))
        torch.testing.assert_close(found[row : row + 1, :, span], alone, rtol=0, atol=1e-14)


def test_without_queries_symmetric_attention_is_the_planned_matrix() -> None:
    keys, values = heads(), heads()
    found = attend_to_both_sides(SymmetricMatrices(symmetric, 500), torch.zeros_like(keys), keys, values)
    torch.testing.assert_close(found, symmetric(LENGTH)[1] @ values, rtol=0, atol=1e-14)


def test_what_is_kept_of_many_lengths_is_bounded() -> None:
    """By the numbers of all layers, which are made together."""
    made: list[int] = []

    def make(length: int) -> list[Tensor]:
        made.append(length)
        return symmetric(length)

    matrices = SymmetricMatrices(make, kept=400)
    for length in (9, 10, 9, 8, 10, 20):  # twice 81 + 100 fit, 64 more does not: 10, used longest ago, goes
        assert len([*matrices(ALL_KEYS, heads(length)[:, 0])]) == 2
    assert made == [9, 10, 8, 10, 20]


@pytest.mark.parametrize("kind", ["causal", "symmetric"])
def test_threads_that_need_another_length_at_once(kind: str) -> None:
    """Each attends as it would alone, whichever is the last to put down what it has made."""
    together = Barrier(2, timeout=20)

    def at_once(make: Callable[[int], Any]) -> Callable[[int], Any]:
        def wait_and_make(length: int) -> Any:
            together.wait()
            return make(length)

        return wait_and_make

    def attention(made: Callable[[Callable[[int], Any]], Callable[[int], Any]]) -> Callable[[Tensor], Tensor]:
        of_decoder, of_encoder = CausalShapedAttention(made(causal)), SymmetricMatrices(made(symmetric), kept=0)
        if kind == "causal":
            return lambda x: of_decoder(x, x, x, UP_TO_THE_QUERY, 0.0)
        return lambda x: attend_to_both_sides(of_encoder, x, x, x)

    sentences = [heads(30), heads(3)]
    with ThreadPoolExecutor(2) as pool:
        attended = list(pool.map(attention(at_once), sentences))
    for x, states in zip(sentences, attended, strict=True):
        torch.testing.assert_close(states, attention(lambda make: make)(x), rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", ["causal", "symmetric"])
def test_what_decoding_has_made_serves_training(kind: str) -> None:
    """Tensors made in inference mode may not be saved for a backward pass."""
    matrices, of_decoder = SymmetricMatrices(symmetric, 500), CausalShapedAttention(causal)

    def attend(x: Tensor) -> Tensor:
        return of_decoder(x, x, x, ALL_KEYS, 0.0) if kind == "causal" else attend_to_both_sides(matrices, x, x, x)

    x = heads()
    with torch.inference_mode():
        attend(x)
    x.requires_grad_()
    attend(x).sum().backward()
    assert x.grad is not None and bool(x.grad.any())


def test_weights_that_rounding_has_made_zero_can_grow() -> None:
    """A plan in which each token looks at itself alone is a start, not a wall."""
    matrices = SymmetricMatrices(lambda length: [torch.eye(length, dtype=torch.float64)], 500)
    keys, values = heads(), heads()
    found = attend_to_both_sides(matrices, 400 * keys.flip(2), keys, values)
    assert (found - values).abs().max() > 0.1


def test_value_skipinit_starts_as_the_values() -> None:
    attend = ValueSkipInit().double()
    report = initialise(attend)
    assert report == {"alpha.weight": "ones (skip)", "beta.weight": "zeros (gate)"}
    queries, keys, values = heads(3), heads(), heads()
    assert torch.equal(attend(queries, keys, values, ALL_KEYS, 0.0), values[:, :, -3:])
    with torch.no_grad():
        attend.alpha.weight.fill_(0.5)
        attend.beta.weight.fill_(2.0)
    plain = torch.nn.functional.scaled_dot_product_attention(queries, keys, values)
    expected = 0.5 * values[:, :, -3:] + 2 * plain
    torch.testing.assert_close(attend(queries, keys, values, ALL_KEYS, 0.0), expected, rtol=0, atol=1e-14)
