"""Attention weights on request: the formula's, and nothing else changes."""

from __future__ import annotations

import pytest
import torch

from mtdeep.nn import Config, EncoderDecoder
from mtdeep.nn.alignment import default_alignment_layer, recorded_weights
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
        with recorded_weights(attention) as found:
            features = model(source, previous)
        handle.remove()
        x, keys, values, visible = calls[-1][0]
        heads = attention.weights(x, keys, visible)
        attended = attention.out_proj((heads @ values).transpose(1, 2).flatten(2))
    torch.testing.assert_close(attended, calls[-1][1])
    torch.testing.assert_close(features, without, rtol=0, atol=0)
    (weights,) = found
    assert weights.shape == (2, 3, 4)
    torch.testing.assert_close(weights, heads.mean(1))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3))
    assert not padded or not weights[1, :, 3].any()
    model(source, previous)
    assert len(found) == 1, "a pass outside the block is not recorded"


def test_the_last_layer_but_one_is_the_default() -> None:
    assert [default_alignment_layer(layers) for layers in (1, 2, 3, 6, 100)] == [0, 0, 1, 4, 98]
