"""Attention weights on request: the formula's, of their own call, and nothing else changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from mtdeep.nn import Config, EncoderDecoder
from mtdeep.nn.alignment import default_alignment_layer
from mtdeep.nn.config import SchemeName


@pytest.mark.parametrize("scheme", ["deepnorm", "preln", "residual", "vanilla"])
@pytest.mark.parametrize("padded", [False, True])
def test_weights_give_the_branch_what_it_returns(tiny_config, scheme: SchemeName, padded: bool) -> None:
    """The heads' weights times the values, through the output matrix, are the attention's own result."""
    config: Config = tiny_config(12, scheme=scheme)
    torch.manual_seed(3)
    model = EncoderDecoder(config).eval()
    source = torch.tensor([[5, 6, 7, 2], [8, 9, 2, 1 if padded else 4]])
    previous = torch.tensor([[2, 5, 6], [2, 7, 8]])
    attention = model.decoder.layers[0].encoder_attn
    calls = []
    handle = attention.register_forward_hook(lambda _, inputs, output: calls.append((inputs, output)))
    with torch.no_grad():
        without = model(source, previous)
        features, weights = model.decoder.with_cross_attention(previous, model.encoder(source), 0)
        handle.remove()
        x, keys, values, visible = calls[-1][0]
        heads = attention.weights(x, keys, visible)
        attended = attention.out_proj((heads @ values).transpose(1, 2).flatten(2))
    torch.testing.assert_close(attended, calls[-1][1])
    torch.testing.assert_close(features, without, rtol=0, atol=0)
    assert weights.shape == (2, 3, 4)
    torch.testing.assert_close(weights, heads.mean(1))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3))
    assert not padded or not weights[1, :, 3].any()


def test_passes_in_other_threads_are_not_seen(tiny_config) -> None:
    """Two threads are in the layer that is asked about at once, and a third pass that asks for nothing."""
    torch.manual_seed(3)
    model = EncoderDecoder(tiny_config(12)).eval()
    pairs = [([5, 6, 7, 2], [2, 5, 6]), ([8, 2], [2, 7])]

    @torch.no_grad()
    def weights(pair: tuple[list[int], list[int]]) -> torch.Tensor:
        source, previous = (torch.tensor([tokens]) for tokens in pair)
        return model.decoder.with_cross_attention(previous, model.encoder(source), 1)[1]

    expected = [weights(pair) for pair in pairs]
    together = Barrier(3, timeout=20)

    def wait(*_: object) -> None:
        together.wait()

    model.decoder.layers[1].encoder_attn.register_forward_pre_hook(wait)
    with ThreadPoolExecutor(3) as pool:
        silent = pool.submit(torch.no_grad()(model), *(torch.tensor([tokens]) for tokens in pairs[0]))
        found = list(pool.map(weights, pairs))
        silent.result()
    for mine, alone in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, alone, rtol=0, atol=0)


def test_the_last_layer_but_one_is_the_default() -> None:
    assert [default_alignment_layer(layers) for layers in (1, 2, 3, 6, 100)] == [0, 0, 1, 4, 98]
