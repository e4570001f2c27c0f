from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mtdeep.nn import Config, Decoder, Encoder, EncoderDecoder, linear_cross_entropy, token_embeddings
from mtdeep.nn.residual import DeepNorm
from mtdeep.nn.scheme import SCHEMES

PAD = 1
Build = Callable[..., EncoderDecoder]
Tokens = Callable[[int, int], Tensor]

ATTENTION = [f"{matrix}_proj.{kind}" for matrix in ("k", "v", "q", "out") for kind in ("weight", "bias")]


def names_of_a_layer(*attentions: str) -> set[str]:
    names = {f"{attention}.{name}" for attention in attentions for name in ATTENTION}
    parts = [f"{attention}_layer_norm" for attention in attentions] + ["fc1", "fc2", "final_layer_norm"]
    return names | {f"{part}.{kind}" for part in parts for kind in ("weight", "bias")}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_names_are_fairseqs(build: Build, scheme: str) -> None:
    expected = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight"}
    expected |= {f"encoder.layers.{i}.{name}" for i in range(3) for name in names_of_a_layer("self_attn")}
    expected |= {
        f"decoder.layers.{i}.{name}" for i in range(2) for name in names_of_a_layer("self_attn", "encoder_attn")
    }
    if scheme == "rezero":
        expected = {name for name in expected if not name.endswith("layer_norm.bias")}
    if scheme == "vanilla":  # no normalisation; a factor on cross-attention
        expected = {name for name in expected if "layer_norm" not in name}
        expected |= {f"decoder.layers.{i}.encoder_attn_layer_norm.weight" for i in range(2)}
    if scheme == "subln":  # arXiv 2210.06423, Figure 1: none in the cross-attention
        norms = ("self_attn.inner_attn_ln", "ffn_layernorm")
        inner = {f"{norm}.{kind}" for norm in norms for kind in ("weight", "bias")}
        expected |= {f"encoder.layers.{i}.{name}" for i in range(3) for name in inner}
        expected |= {f"decoder.layers.{i}.{name}" for i in range(2) for name in inner}
    if scheme in ("periln", "keel"):  # a second one behind each branch
        expected |= {name.replace("_layer_norm", "_post_layer_norm") for name in expected if "_layer_norm" in name}
    if scheme == "keel":  # gains alone; none behind the first layer's attention
        expected = {name for name in expected if not name.endswith("layer_norm.bias")}
        expected -= {name for name in expected if "layers.0." in name and "attn_post" in name}
    if scheme in ("preln", "subln", "residual", "lns", "periln"):
        expected |= {f"{stack}.layer_norm.{kind}" for stack in ("encoder", "decoder") for kind in ("weight", "bias")}
    assert set(build(scheme=scheme).state_dict()) == expected
    learned = build(scheme=scheme, decoder_positions="learned").state_dict()
    assert set(learned) - expected == {"decoder.embed_positions.weight"}


@pytest.mark.parametrize(
    ("width", "ffn", "heads", "millions"),
    [(512, 2048, 8, 735_641_600), (1024, 4096, 16, 2_939_289_600)],
)
def test_parameter_count_of_the_published_models(width: int, ffn: int, heads: int, millions: int) -> None:
    """100-100 layers without the vocabulary: what the papers' 863 M and 3.2 B are made of."""
    config = Config(
        scheme="deepnorm",
        source_vocabulary_size=4,
        target_vocabulary_size=4,
        encoder_layers=100,
        decoder_layers=100,
        embed_dim=width,
        encoder_ffn_dim=ffn,
        decoder_ffn_dim=ffn,
        encoder_heads=heads,
        decoder_heads=heads,
        share_all_embeddings=True,
    )
    with torch.device("meta"):
        model = EncoderDecoder(config)
    assert sum(parameter.numel() for parameter in model.parameters()) - 4 * width == millions


def test_padding_gets_no_gradient(build: Build, tokens: Tokens) -> None:
    model = build()
    source, target = tokens(2, 6), tokens(2, 5)
    source[0, 4:] = PAD
    target[0, 3:] = PAD
    features = model(source, target)
    features[target.ne(PAD)].square().sum().backward()
    assert not model.encoder.embed_tokens.weight.grad[PAD].any()
    assert not model.decoder.embed_tokens.weight.grad[PAD].any()


def torch_transformer(model: EncoderDecoder, norm_first: bool) -> nn.Transformer:
    """Return torch's own Transformer with our weights; torch packs query, key and value in one matrix."""
    config = model.config
    theirs = nn.Transformer(
        config.embed_dim,
        config.encoder_heads,
        config.encoder_layers,
        config.decoder_layers,
        config.encoder_ffn_dim,
        dropout=0.0,
        activation=config.activation,
        norm_first=norm_first,
        batch_first=True,
        dtype=torch.float64,
    )
    state = {}
    renamed = {"fc1": "linear1", "fc2": "linear2", "encoder_attn": "multihead_attn", "layer_norm": "norm"}
    norms = {
        "encoder": {"self_attn_layer_norm": "norm1", "final_layer_norm": "norm2"},
        "decoder": {"self_attn_layer_norm": "norm1", "encoder_attn_layer_norm": "norm2", "final_layer_norm": "norm3"},
    }
    for name, value in model.state_dict().items():
        parts = [norms[name.split(".")[0]].get(part, renamed.get(part, part)) for part in name.split(".")]
        if parts[1] in {"layers", "norm"} and parts[-2] not in {"q_proj", "k_proj", "v_proj"}:
            state[".".join(parts)] = value
        elif parts[-2] == "q_proj":
            packed = [model.state_dict()[name.replace("q_proj", f"{matrix}_proj")] for matrix in "qkv"]
            state[".".join([*parts[:-2], f"in_proj_{parts[-1]}"])] = torch.cat(packed)
    if not norm_first:
        theirs.encoder.norm = theirs.decoder.norm = None
    theirs.load_state_dict(state, strict=True)
    return theirs.train()  # with dropout 0: keeps torch off its fused path


@pytest.mark.parametrize("scheme", ["deepnorm", "postln", "preln"])  # torch has no other
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_parity_with_torch(build: Build, tokens: Tokens, scheme: str, activation: str) -> None:
    model = build(scheme=scheme, activation=activation, decoder_ffn_dim=24, decoder_heads=4)
    for module in model.modules():
        if isinstance(residual := module.__dict__.get("residual"), DeepNorm):
            residual.alpha = 1.0
    theirs = torch_transformer(model, norm_first=scheme == "preln")
    source, target = tokens(3, 6), tokens(3, 5)
    source[0, 4:] = PAD
    padding = source.eq(PAD)
    x = model.encoder.embed_positions(4.0 * model.encoder.embed_tokens(source), padding)
    y = model.decoder.embed_positions(4.0 * model.decoder.embed_tokens(target))
    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    expected = theirs(
        x, y, tgt_mask=causal, src_key_padding_mask=padding, memory_key_padding_mask=padding, tgt_is_causal=True
    )
    torch.testing.assert_close(model(source, target), expected, rtol=0, atol=1e-12)


def test_deepnorm_layer_by_hand(build: Build, tokens: Tokens) -> None:
    """One encoder layer written out: LN(alpha x + f(x)), twice (arXiv 2203.00555, Figure 2)."""
    model = build(encoder_layers=1, encoder_heads=1).eval()
    layer = model.encoder.layers[0]
    source = tokens(2, 5)
    x = model.encoder.embed_positions(4.0 * model.encoder.embed_tokens(source))
    alpha = 0.81 * (1**4 * 2) ** (1 / 16)
    q, k, v = (projection(x) for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj))
    branch = layer.self_attn.out_proj(torch.softmax(q @ k.transpose(1, 2) / 4.0, dim=-1) @ v)
    x = layer.self_attn_layer_norm(alpha * x + branch)
    x = layer.final_layer_norm(alpha * x + layer.fc2(torch.relu(layer.fc1(x))))
    torch.testing.assert_close(model.encoder(source).states, x, rtol=0, atol=1e-12)


def test_dropout_only_in_training(build: Build, tokens: Tokens) -> None:
    model = build(dropout=0.3)
    source, target = tokens(2, 6), tokens(2, 5)
    assert not torch.equal(model(source, target), model(source, target))
    model.eval()
    assert torch.equal(model(source, target), model(source, target))


def test_sharing(build: Build) -> None:
    model = build(source_vocabulary_size=50, share_all_embeddings=True)
    table = model.encoder.embed_tokens.weight
    assert model.decoder.embed_tokens.weight is table and model.decoder.output_projection.weight is table
    model = build(share_decoder_input_output_embed=True)
    assert model.decoder.output_projection.weight is model.decoder.embed_tokens.weight
    assert model.encoder.embed_tokens.weight is not model.decoder.embed_tokens.weight


def test_scale_embedding(build: Build, tokens: Tokens) -> None:
    """Without the factor sqrt(16) = 4, a table four times as large does the same."""
    scaled = build().eval()
    plain = build(scale_embedding=False).eval()
    plain.load_state_dict(scaled.state_dict())
    for stack in (plain.encoder, plain.decoder):
        stack.embed_tokens.weight.data *= 4
    source, target = tokens(2, 6), tokens(2, 5)
    torch.testing.assert_close(plain(source, target), scaled(source, target), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_autocast(build: Build, tokens: Tokens, scheme: str) -> None:
    model = build(scheme=scheme).float()
    source, target = tokens(3, 6), tokens(3, 5)
    source[0, 4:] = PAD
    expected = model(source, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = model(source, target)
        weight = model.decoder.output_projection.weight
        loss, _ = linear_cross_entropy(
            features.flatten(0, 1), weight, target.flatten(), label_smoothing=0.1, padding_idx=PAD
        )
    loss.backward()
    torch.testing.assert_close(features.float(), expected, atol=0.15, rtol=0)
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())


class OtherBase(nn.Module):
    """Stands for a framework's base class: its constructor wants something else."""

    def __init__(self, dictionary: object) -> None:
        super().__init__()
        self.dictionary = dictionary


class PluginEncoder(Encoder, OtherBase):
    def __init__(self, config: Config) -> None:
        Encoder.__init__(self, config, token_embeddings(config)[0])
        self.dictionary = "dictionary"


class PluginDecoder(Decoder, OtherBase):
    def __init__(self, config: Config) -> None:
        Decoder.__init__(self, config, token_embeddings(config)[1])
        self.dictionary = "dictionary"


def test_stacks_as_first_of_two_bases(small: Config, tokens: Tokens) -> None:
    """Stacks made on their own are initialised, without a model around them."""
    encoder, decoder = PluginEncoder(small), PluginDecoder(small)
    features = decoder(tokens(2, 5), encoder(tokens(2, 6)))
    assert features.shape == (2, 5, 16) and bool(features.isfinite().all())
    assert all(bool(p.isfinite().all()) for stack in (encoder, decoder) for p in stack.parameters())


def test_a_thousand_layers(small: Config, tokens: Tokens) -> None:
    """500-500 at width 16: forward, backward and one update stay finite, and every parameter learns."""
    config = replace(small, encoder_layers=500, decoder_layers=500, decoder_heads=4)
    model = EncoderDecoder(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4, betas=(0.9, 0.98))
    source, target = tokens(2, 6), tokens(2, 5)
    losses = []
    for _ in range(2):
        loss, _ = linear_cross_entropy(
            model(source, target).flatten(0, 1),
            model.decoder.output_projection.weight,
            target.flatten(),
            label_smoothing=0.1,
            padding_idx=PAD,
        )
        optimizer.zero_grad()
        loss.backward()
        norms = torch.stack([p.grad.norm() for p in model.parameters()])  # type: ignore[union-attr]
        assert bool(norms.isfinite().all())
        optimizer.step()
        losses.append(loss.item())
    assert all(bool(p.isfinite().all()) for p in model.parameters())
    assert losses[1] < losses[0]
