"""Networks without shortcuts: the three settings, and what becomes of the signal (arXiv 2302.10322)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn import Config, EncoderDecoder, LanguageModel
from mtdeep.nn.activations import TailoredReLU, activation_of
from mtdeep.nn.config import SKIPLESS
from mtdeep.nn.depth import tailored_slope
from mtdeep.nn.visibility import ALL_KEYS, UP_TO_THE_QUERY

Build = Callable[..., EncoderDecoder]
Tokens = Callable[[int, int], Tensor]
# The paper's settings: neither skips nor normalisation; normalisation; down-weighted skips.
SETTINGS: dict[str, dict[str, object]] = {"neither": {}, "norm": {"branch_norm": True}, "skips": {"skip_alpha": 0.98}}
SHAPINGS = ("none", "espa", "uspa", "value_skipinit")
VANILLA = {"scheme": "vanilla", **SKIPLESS, "shaping": "none"}


def wide(depth: int, **changes: object) -> Config:
    """A model whose tokens can be told apart: 64 dimensions, 40 tokens."""
    config = Config(
        scheme="vanilla",
        source_vocabulary_size=300,
        target_vocabulary_size=300,
        encoder_layers=depth,
        decoder_layers=depth,
        embed_dim=64,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        encoder_heads=4,
        decoder_heads=4,
        dropout=0.0,
    )
    return replace(config, **{**VANILLA, **changes})  # type: ignore[arg-type]


@torch.no_grad()
def states(config: Config) -> tuple[Tensor, Tensor]:
    """States (sentence, token, dim) at the end of both stacks; no token twice in a sentence."""
    model = EncoderDecoder(config).double().eval()
    sentences = torch.stack([torch.randperm(290)[:40] + 4 for _ in range(4)])
    encoded = model.encoder(sentences)
    return encoded.states, model.decoder(sentences, encoded)


def size(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def unlikeness(x: Tensor) -> float:
    """1 - cosine of two tokens of a sentence, the mean of all pairs."""
    unit = F.normalize(x, dim=-1)
    pairs = x.size(1) * (x.size(1) - 1)
    return float(((1 - unit @ unit.mT).sum((1, 2)) / pairs).mean())


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("shaping", ["espa", "uspa", "value_skipinit"])
def test_the_signal_gets_through_a_hundred_layers(setting: str, shaping: str) -> None:
    """Norms stay within a factor of 10; tokens are a hundredth of a per cent unlike each other, or much more.

    At a width of 64 the kernels fluctuate, and what the non-linearities make all tokens share E-SPA enlarges.
    """
    for x in states(wide(100, shaping=shaping, **SETTINGS[setting])):
        assert 0.1 < size(x) < 10
        assert unlikeness(x) > 1e-4


@pytest.mark.parametrize("gate", [0.01, 0.1])
def test_open_gates_leave_the_decoders_tokens_apart(gate: float) -> None:
    """100 cross-attentions that each add a hundredth or a tenth of what they read."""
    torch.manual_seed(2)
    model = EncoderDecoder(wide(100, shaping="espa")).double().eval()
    sentences = torch.stack([torch.randperm(290)[:40] + 4 for _ in range(2)])
    with torch.no_grad():
        for layer in model.decoder.layers:
            layer.encoder_attn_layer_norm.weight.fill_(gate)
        x = model(sentences, sentences.flip(1))
    print(f"gate {gate}: size {size(x):.3g}, unlikeness {unlikeness(x):.3g}")
    assert 0.1 < size(x) < 100
    assert unlikeness(x) > 1e-4


@pytest.mark.parametrize("depth", [6, 36])
def test_a_network_that_has_only_lost_its_skips_loses_the_signal(depth: int) -> None:
    """Every token ends with the same direction, and nothing is left of its norm (rank collapse)."""
    for x in states(wide(depth, shaping="none", activation="relu")):
        assert size(x) < 0.2 if depth == 6 else size(x) < 1e-5
        assert unlikeness(x) < (0.01 if depth == 6 else 1e-9)


def test_attention_alone_makes_the_planned_kernel() -> None:
    """No feed-forward, orthogonal values and outputs: the Gram matrix of E-SPA's decoder is exp(-gamma |i - j|)."""
    config = replace(wide(12, shaping="espa"), encoder_layers=0, embed_dim=256, decoder_ffn_dim=4)
    model = LanguageModel(config).double().eval()
    x = torch.nn.init.orthogonal_(torch.empty(40, 256, dtype=torch.float64))[None]
    for layer in model.decoder.layers:
        attention = layer.self_attn
        x = attention(x, *attention.keys_values(x), UP_TO_THE_QUERY)
    positions = torch.arange(40, dtype=torch.float64)
    expected = torch.exp(-0.005 * (positions[:, None] - positions).abs())
    torch.testing.assert_close((x @ x.mT)[0], expected, rtol=0, atol=1e-5)  # matrices are drawn in float32


@pytest.mark.parametrize("shaping", SHAPINGS)
def test_only_shaped_kernels_start_without_queries(shaping: str) -> None:
    report = EncoderDecoder(wide(2, shaping=shaping)).initialisation
    gain = "0" if shaping in ("espa", "uspa") else "1"
    assert report["encoder.layers.0.self_attn.q_proj.weight"] == f"scaled orthogonal, gain {gain} (query)"
    assert report["decoder.layers.1.encoder_attn.q_proj.weight"] == "scaled orthogonal, gain 1 (cross query)"


@torch.no_grad()
@pytest.mark.parametrize(("positions", "same"), [("rotary", True), ("sinusoidal", False)])
def test_rotary_positions_leave_the_first_kernel_alone(positions: str, same: bool) -> None:
    """What multiplies a query of zero vanishes; what is added to the embeddings does not."""
    found = []
    for kind in ("none", positions):
        torch.manual_seed(3)
        config = wide(3, shaping="espa", encoder_positions=kind, decoder_positions=kind)
        model = EncoderDecoder(config).double().eval()
        sentence = torch.arange(4, 44)[None]
        found.append(model(sentence, sentence))
    assert torch.equal(*found) == same


@torch.no_grad()
def test_the_gate_opens_cross_attention(tokens: Tokens) -> None:
    """Closed at first, when the decoder is a language model; open by a thousandth, it reads the source."""
    model = EncoderDecoder(wide(2, shaping="espa")).double().eval()
    source, other, target = tokens(1, 7), tokens(1, 7), tokens(1, 5)
    assert torch.equal(model(source, target), model(other, target))
    for layer in model.decoder.layers:
        layer.encoder_attn_layer_norm.weight.fill_(1e-3)
    assert not torch.allclose(model(source, target), model(other, target), rtol=0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_written_out(build: Build, setting: str) -> None:
    """x <- f(x); x <- f(LN(x)); x <- alpha x + sqrt(1 - alpha^2) f(x), for both branches of an encoder layer."""
    layer = build(**{**VANILLA, "encoder_positions": "none"}, **SETTINGS[setting]).eval().encoder.layers[0]
    x = expected = torch.randn(2, 5, 16, dtype=torch.float64)
    attention = layer.self_attn
    for branch, norm in (
        (lambda x: attention(x, *attention.keys_values(x), ALL_KEYS), layer.self_attn_layer_norm),
        (layer.feed_forward, layer.final_layer_norm),
    ):
        added = branch(F.layer_norm(expected, (16,), norm.weight, norm.bias) if setting == "norm" else expected)
        expected = 0.98 * expected + math.sqrt(1 - 0.98**2) * added if setting == "skips" else added
    torch.testing.assert_close(layer(x, ALL_KEYS), expected, rtol=0, atol=1e-12)


def test_the_final_norm_is_there_where_branches_are_normalised() -> None:
    for setting, changes in SETTINGS.items():
        model = EncoderDecoder(wide(1, **changes))
        assert isinstance(model.encoder.layer_norm, torch.nn.LayerNorm) == (setting == "norm")


def test_the_slope_counts_the_longest_way() -> None:
    """20 encoder and 20 decoder layers: 40; 36 decoder layers alone: 36; with skips, each counts for less."""
    slopes = []
    for config in (wide(20), replace(wide(36), encoder_layers=0), replace(wide(36), skip_alpha=0.9)):
        activation = activation_of(config)
        assert isinstance(activation, TailoredReLU)
        slopes.append(activation.slope)
    assert slopes == [tailored_slope(40), tailored_slope(36), tailored_slope(72, 0.9)]


def test_the_tailored_activation_keeps_the_mean_square() -> None:
    x = torch.randn(1_000_000)
    for slope in (0.0, 0.35, 1.0):
        assert float(TailoredReLU(slope)(x).square().mean()) == pytest.approx(1, abs=0.01)
    assert float(TailoredReLU(0.35)(torch.tensor(-1.0))) == pytest.approx(-0.35 * math.sqrt(2 / (1 + 0.35**2)))
