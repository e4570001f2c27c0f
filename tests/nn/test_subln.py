"""Magneto's layers against its equations, written out (arXiv 2210.06423, section 2.1 and Figure 1)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from plain_torch import Weights, attention, linear, norm, weights_of
from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn import EncoderDecoder
from mtdeep.nn.visibility import ALL_KEYS

Build = Callable[..., EncoderDecoder]


def self_attention(x: Tensor, w: Weights, heads: int, causal: bool) -> Tensor:
    """x + W^O LN(Attention(W^Q LN(x), W^K LN(x), W^V LN(x)))"""
    h = norm(x, w, "self_attn_layer_norm")
    q, k, v = (linear(h, w, f"self_attn.{matrix}_proj") for matrix in "qkv")
    return x + linear(norm(attention(q, k, v, heads, causal), w, "self_attn.inner_attn_ln"), w, "self_attn.out_proj")


def feed_forward(x: Tensor, w: Weights) -> Tensor:
    """x + W^2 LN(phi(W^1 LN(x)))"""
    inner = F.relu(linear(norm(x, w, "final_layer_norm"), w, "fc1"))
    return x + linear(norm(inner, w, "ffn_layernorm"), w, "fc2")


def test_encoder_layer(build: Build) -> None:
    model = build(scheme="subln").eval()
    x = torch.randn(2, 5, 16, dtype=torch.float64)
    layer = model.encoder.layers[1]
    expected = feed_forward(self_attention(x, weights_of(layer), 4, causal=False), weights_of(layer))
    torch.testing.assert_close(layer(x, ALL_KEYS), expected, rtol=0, atol=1e-12)


def test_whole_model(build: Build, tokens: Callable[[int, int], Tensor]) -> None:
    """Stacks end with a normalisation; the cross-attention has one before its queries and none inside."""
    model = build(scheme="subln").eval()
    source, target = tokens(2, 6), tokens(2, 5)
    x = model.encoder.embed_positions(model.encoder.embed_scale * model.encoder.embed_tokens(source), None, 0)
    for layer in model.encoder.layers:
        w = weights_of(layer)
        x = feed_forward(self_attention(x, w, 4, causal=False), w)
    states = model.encoder.layer_norm(x)
    y = model.decoder.embed_positions(model.decoder.embed_scale * model.decoder.embed_tokens(target), None, 0)
    for layer in model.decoder.layers:
        w = weights_of(layer)
        y = self_attention(y, w, 2, causal=True)
        q = linear(norm(y, w, "encoder_attn_layer_norm"), w, "encoder_attn.q_proj")
        k, v = (linear(states, w, f"encoder_attn.{matrix}_proj") for matrix in "kv")
        y = feed_forward(y + linear(attention(q, k, v, 2), w, "encoder_attn.out_proj"), w)
    torch.testing.assert_close(model(source, target), model.decoder.layer_norm(y), rtol=0, atol=1e-12)
