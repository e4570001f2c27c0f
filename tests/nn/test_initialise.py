"""Initial values against closed forms: Xavier normal has std gain sqrt(2 / (fan_in + fan_out)) (Glorot 2010, eq 16)."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mtdeep.nn import Config, EncoderDecoder, build_model, initialise
from mtdeep.nn.config import SchemeName
from mtdeep.nn.depth import deepnorm_decoder, deepnorm_encoder, subln_decoder, subln_encoder
from mtdeep.nn.norm import WideLayerNorm
from mtdeep.nn.scheme import SCHEMES

SCALED = ("v_proj", "out_proj", "fc1", "fc2")
NOT_SCALED = ("q_proj", "k_proj")


def _statistics(tensors: Iterable[Tensor]) -> tuple[float, float]:
    values = torch.cat([tensor.detach().flatten() for tensor in tensors]).double()
    values -= values.mean()
    variance = values.square().mean()
    return math.sqrt(variance), float(values.pow(4).mean() / variance**2)


WIDTH, INNER = 64, 160
DEPTHS = pytest.mark.parametrize(("N", "M"), [(6, 6), (18, 18), (100, 100), (36, 12)])


def deep_config(N: int, M: int, scheme: SchemeName) -> Config:
    return Config(
        scheme=scheme,
        source_vocabulary_size=9,
        target_vocabulary_size=9,
        encoder_layers=N,
        decoder_layers=M,
        embed_dim=WIDTH,
        encoder_ffn_dim=INNER,
        decoder_ffn_dim=INNER,
    )


def deep(N: int, M: int, scheme: SchemeName = "deepnorm") -> EncoderDecoder:
    torch.manual_seed(3)
    return EncoderDecoder(deep_config(N, M, scheme))


def branch_matrices(model: nn.Module) -> list[tuple[str, Tensor]]:
    found = [(name, p) for name, p in model.named_parameters() if ".layers." in name and p.dim() == 2]
    assert {name.split(".")[-2] for name, _ in found} == {*SCALED, *NOT_SCALED}
    return found


def deepnorm_gain(name: str, N: int, M: int) -> float:
    """arXiv 2203.00555, Figure 2."""
    beta = (deepnorm_encoder if name.startswith("encoder.") else deepnorm_decoder)(N, M).beta
    return beta if name.split(".")[-2] in SCALED else 1.0


def subln_gain(name: str, N: int, M: int) -> float:
    """arXiv 2210.06423, Figure 2, and torchscale's decoder, which passes over the cross-attention."""
    gamma = (subln_encoder if name.startswith("encoder.") else subln_decoder)(N, M)
    return gamma if name.split(".")[-2] in SCALED and "encoder_attn" not in name else 1.0


def b2t_gain(name: str, N: int, M: int) -> float:
    """takase/b2t_connection, `rescaling_init`: the layers of the stack to the -1/2, on each matrix."""
    return math.exp(-math.log(N if name.startswith("encoder.") else M) / 2)


# Every scheme: the gain of a branch matrix by its name.
EXPECTED_GAINS: dict[SchemeName, Callable[[str, int, int], float]] = {
    "deepnorm": deepnorm_gain,
    "subln": subln_gain,
    "residual": lambda name, N, M: 1.0,
    "rezero": lambda name, N, M: 1.0,
    "dsinit": lambda name, N, M: 1 / math.sqrt(int(name.split(".")[2]) + 1),
    "postln": lambda name, N, M: 1.0,
    "preln": lambda name, N, M: 1.0,
    "lns": lambda name, N, M: 1.0,
    "periln": lambda name, N, M: 1.0,
    "keel": lambda name, N, M: 1.0,
    "b2t": b2t_gain,
    "vanilla": lambda name, N, M: 1.0,
}
ORTHOGONAL = ("vanilla",)


def expected_std(scheme: SchemeName, name: str, N: int, M: int) -> float:
    fans = WIDTH + (INNER if ".fc" in name else WIDTH)
    if scheme in ORTHOGONAL:
        # Orthonormal rows have variance 1 / in; orthonormal columns 1 / out, which the scale makes 1 / in.
        fans = 2 * (INNER if ".fc2" in name else WIDTH)
    return EXPECTED_GAINS[scheme](name, N, M) * math.sqrt(2 / fans)


def check_each_matrix(model: EncoderDecoder, N: int, M: int) -> None:
    """The std of n normal numbers errs by 1 / sqrt(2 n) of itself (1 sigma), their mean by std / sqrt(n).

    Five sigmas, because the deepest model has 1,600 matrices.
    """
    for name, matrix in branch_matrices(model):
        std, n = expected_std(model.config.scheme, name, N, M), matrix.numel()
        assert matrix.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * n)), name
        assert abs(matrix.mean().item()) < 5 * std / math.sqrt(n), name


@pytest.mark.parametrize(("N", "M"), [(18, 0), (0, 18), (100, 0), (0, 36)])
@pytest.mark.parametrize("scheme", ["deepnorm", "subln"])
def test_a_lone_stack_has_its_own_constants(scheme: SchemeName, N: int, M: int) -> None:
    """Both papers' Figure 2: (8L)^(-1/4) and (2L)^(1/4), sqrt(log 2L), whichever stack it is."""
    model = build_model(replace(deep_config(1, 1, scheme), encoder_layers=N, decoder_layers=M))
    layers = N or M
    expected = math.exp(-math.log(8 * layers) / 4) if scheme == "deepnorm" else math.sqrt(math.log(2 * layers))
    for name, matrix in branch_matrices(model):
        gain = expected if name.split(".")[-2] in SCALED else 1.0
        fans = WIDTH + (INNER if ".fc" in name else WIDTH)
        std, n = gain * math.sqrt(2 / fans), matrix.numel()
        assert matrix.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * n)), name
    if scheme == "deepnorm":
        (stack,) = model.stacks.values()
        assert stack.residual.alpha == pytest.approx(math.exp(math.log(2 * layers) / 4))


def test_every_scheme_has_its_row() -> None:
    assert EXPECTED_GAINS.keys() == SCHEMES.keys()


@DEPTHS
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_report_gives_each_matrix_its_gain(scheme: SchemeName, N: int, M: int) -> None:
    report = deep(N, M, scheme).initialisation
    matrices = [name for name in report if ".layers." in name and name.split(".")[-2] in SCALED + NOT_SCALED]
    matrices = [name for name in matrices if name.endswith("weight")]
    assert len(matrices) == 6 * N + 10 * M
    for name in matrices:
        kind = "scaled orthogonal" if scheme in ORTHOGONAL else "xavier normal"
        found = re.fullmatch(rf"{kind}, gain (\S+) \(.*\)", report[name])
        assert found is not None and found[1] == f"{EXPECTED_GAINS[scheme](name, N, M):.6g}", name


@DEPTHS
@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_matrix_has_its_std(scheme: SchemeName, N: int, M: int) -> None:
    check_each_matrix(deep(N, M, scheme), N, M)


@pytest.mark.parametrize("name", ["encoder.layers.57.fc1", "decoder.layers.99.encoder_attn.q_proj"])
def test_one_wrong_matrix_of_a_hundred_layers_is_seen(name: str) -> None:
    model = deep(100, 100)
    with torch.no_grad():
        model.get_parameter(f"{name}.weight").mul_(1.1)
    with pytest.raises(AssertionError, match=name):
        check_each_matrix(model, 100, 100)


@DEPTHS
@pytest.mark.parametrize("scheme", SCHEMES)
def test_branch_matrices_pooled(scheme: SchemeName, N: int, M: int) -> None:
    """Layers of a stack together: 6 layers of 64 x 64 hold 24,576 numbers, whose std errs by 0.5 % (1 sigma)."""
    pools: dict[tuple[str, str, str], list[Tensor]] = defaultdict(list)
    for name, matrix in branch_matrices(deep(N, M, scheme)):
        parts = name.split(".")
        # In units of its own std, as a scheme may give each layer another one.
        unit = matrix.detach() / expected_std(scheme, name, N, M)
        pools[parts[0], "cross" if "encoder_attn" in parts else "", parts[-2]].append(unit)
    assert len(pools) == 6 + 4 + 6
    for key, matrices in pools.items():
        std, kurtosis = _statistics(matrices)
        assert std == pytest.approx(1.0, rel=0.02), key
        assert kurtosis == pytest.approx(3.0, abs=0.2), key  # a uniform one has 1.8


@pytest.mark.parametrize("scheme", SCHEMES)
def test_tables_biases_and_norms(small: Config, scheme: SchemeName) -> None:
    model = EncoderDecoder(
        replace(
            small,
            scheme=scheme,
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
            assert module.eps == (1e-7 if isinstance(module, WideLayerNorm) else 1e-5)
            assert bool((module.weight == 1).all())
        if isinstance(module, (nn.Linear, nn.LayerNorm)) and module.bias is not None:
            assert not module.bias.any()


@pytest.mark.parametrize("scheme", SCHEMES)
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
    layers = small.encoder_layers, small.decoder_layers
    assert report["encoder.layers.2.fc1.weight"] == f"xavier normal, gain {deepnorm_encoder(*layers).beta:.6g} (first)"
    assert report["decoder.layers.0.encoder_attn.v_proj.weight"] == (
        f"xavier normal, gain {deepnorm_decoder(*layers).beta:.6g} (cross value)"
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


def test_embeddings_have_the_width_to_the_minus_a_half() -> None:
    """fairseq's N(0, d^(-1/2)): a million numbers, whose standard deviation errs by 0.07 per cent (1 sigma)."""
    torch.manual_seed(3)
    vocabulary, width = 4000, 256
    config = replace(deep_config(1, 1, "preln"), embed_dim=width, source_vocabulary_size=vocabulary)
    table = EncoderDecoder(config).encoder.embed_tokens.weight
    assert table.std().item() * math.sqrt(vocabulary / (vocabulary - 1)) == pytest.approx(width**-0.5, rel=4e-3)
