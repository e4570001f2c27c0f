"""Initial values against closed forms: Xavier normal has std gain sqrt(2 / (fan_in + fan_out)) (Glorot 2010, eq 16)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mtdeep.nn import Config, EncoderDecoder, deepnorm, initialisation_report, initialise

SCALED = ("v_proj", "out_proj", "fc1", "fc2")
NOT_SCALED = ("q_proj", "k_proj")


def _statistics(tensors: Iterable[Tensor]) -> tuple[float, float]:
    values = torch.cat([tensor.detach().flatten() for tensor in tensors]).double()
    values -= values.mean()
    variance = values.square().mean()
    return math.sqrt(variance), float(values.pow(4).mean() / variance**2)


@pytest.mark.parametrize(("N", "M"), [(6, 6), (18, 18), (100, 100), (36, 12)])
def test_branch_matrices(N: int, M: int) -> None:
    """Layers of a stack are pooled: 6 layers of 64 x 64 hold 24,576 numbers, whose std errs by 0.5 % (1 sigma)."""
    torch.manual_seed(3)
    width, inner = 64, 160
    model = EncoderDecoder(
        Config(
            scheme="deepnorm",
            source_vocabulary_size=9,
            target_vocabulary_size=9,
            encoder_layers=N,
            decoder_layers=M,
            embed_dim=width,
            encoder_ffn_dim=inner,
            decoder_ffn_dim=inner,
        )
    )
    pools: dict[tuple[str, str, str], list[Tensor]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        if parts[1] == "layers" and parameter.dim() == 2:
            pools[parts[0], "cross" if "encoder_attn" in parts else "", parts[-2]].append(parameter)
    assert len(pools) == 6 + 4 + 6
    constants = deepnorm(N, M)
    for (stack, _, matrix), tensors in pools.items():
        beta = constants.encoder_beta if stack == "encoder" else constants.decoder_beta
        gain = beta if matrix in SCALED else 1.0
        assert matrix in SCALED + NOT_SCALED
        fans = width + (inner if matrix.startswith("fc") else width)
        std, kurtosis = _statistics(tensors)
        assert std == pytest.approx(gain * math.sqrt(2 / fans), rel=0.02), (stack, matrix)
        assert kurtosis == pytest.approx(3.0, abs=0.2), (stack, matrix)  # a uniform one has 1.8


@pytest.mark.parametrize("scheme", ["postln", "preln"])
def test_gain_is_one_without_deepnorm(small: Config, scheme: str) -> None:
    report = initialisation_report(EncoderDecoder(replace(small, scheme=scheme)))  # type: ignore[arg-type]
    assert {rule.split("(")[0] for rule in report.values() if "xavier" in rule} == {"xavier normal, gain 1 "}


def test_tables_biases_and_norms(small: Config) -> None:
    model = EncoderDecoder(
        replace(
            small,
            scheme="preln",
            source_vocabulary_size=2000,
            target_vocabulary_size=2000,
            encoder_positions="learned",
            decoder_positions="learned",
        )
    )
    for table in (
        model.encoder.embed_tokens,
        model.decoder.embed_tokens,
        model.encoder.embed_positions,
        model.decoder.embed_positions,
        model.decoder.output_projection,
    ):
        std, kurtosis = _statistics([table.weight])  # type: ignore[list-item]
        assert std == pytest.approx(small.embed_dim**-0.5, rel=0.02)
        assert kurtosis == pytest.approx(3.0, abs=0.15)
        if isinstance(table, nn.Embedding):
            assert not table.weight[small.padding_idx].any()
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            assert module.eps == 1e-5
            assert bool((module.weight == 1).all())
        if isinstance(module, (nn.Linear, nn.LayerNorm)) and module.bias is not None:
            assert not module.bias.any()


@pytest.mark.parametrize("scheme", ["deepnorm", "postln", "preln"])
@pytest.mark.parametrize("sharing", ["", "share_decoder_input_output_embed", "share_all_embeddings"])
def test_every_parameter_stands_once_in_the_report(small: Config, scheme: str, sharing: str) -> None:
    changes = {sharing: True} if sharing else {}
    config = replace(small, scheme=scheme, source_vocabulary_size=50, encoder_positions="learned", **changes)  # type: ignore[arg-type]
    model = EncoderDecoder(config)
    assert list(model.initialisation) == [name for name, _ in model.named_parameters()]
    assert ("decoder.output_projection.weight" in model.initialisation) == (not sharing)
    assert ("decoder.embed_tokens.weight" in model.initialisation) == (sharing != "share_all_embeddings")


def test_report_names_the_rules(small: Config) -> None:
    report = EncoderDecoder(small).initialisation
    constants = deepnorm(small.encoder_layers, small.decoder_layers)
    assert report["encoder.layers.2.fc1.weight"] == f"xavier normal, gain {constants.encoder_beta:.6g} (first)"
    assert report["decoder.layers.0.encoder_attn.v_proj.weight"] == (
        f"xavier normal, gain {constants.decoder_beta:.6g} (cross value)"
    )
    assert report["decoder.layers.0.self_attn.q_proj.weight"] == "xavier normal, gain 1 (query)"
    assert report["decoder.layers.0.self_attn.q_proj.bias"] == "zeros (query bias)"
    assert report["encoder.embed_tokens.weight"] == "normal, std 16^(-1/2), padding row zero (embedding)"
    assert report["decoder.output_projection.weight"] == "normal, std 16^(-1/2) (vocabulary)"


def test_a_parameter_without_a_role_is_refused(small: Config) -> None:
    model = EncoderDecoder(small)
    model.encoder.stray = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match=r"encoder\.stray\.weight, encoder\.stray\.bias"):
        initialise(model)


def test_same_seed_same_model(small: Config) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(1)
        states.append(EncoderDecoder(small).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_on_the_meta_device(small: Config) -> None:
    """A checkpoint's model is shaped without memory, then given the checkpoint's tensors."""
    with torch.device("meta"):
        model = EncoderDecoder(small)
    reference = EncoderDecoder(small).eval()
    model.load_state_dict(reference.state_dict(), assign=True)
    model.eval()
    tokens = torch.randint(4, 40, (2, 5))
    assert torch.equal(model(tokens, tokens), reference(tokens, tokens))
