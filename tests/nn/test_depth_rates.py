"""Which parameters a rule is for, and by what their rate is multiplied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from mtdeep.nn import EncoderDecoder, build_model
from mtdeep.nn.config import Config, SchemeName
from mtdeep.nn.depth_rates import parameter_factors, stack_factors
from mtdeep.nn.factored_steps import groups_of
from mtdeep.nn.factors import RULES, Factors, checked_rule

OTHER_SCHEMES = [scheme for scheme in get_args(SchemeName) if scheme != "deepnorm"]
Build = Callable[..., EncoderDecoder]


@pytest.mark.parametrize("sharing", [{}, {"share_all_embeddings": True, "target_vocabulary_size": 40}])
@pytest.mark.parametrize("decoder_layers", [1, 2])
def test_every_parameter_of_a_deepnorm_encoders_layers_and_nothing_else(
    decoder_layers: int, sharing: dict[str, object], build: Build
) -> None:
    model = build(decoder_layers=decoder_layers, **sharing)
    factors = parameter_factors(model.config, model.stacks, "adam")
    names = {name for name, parameter in model.named_parameters() if parameter in factors}
    assert names == {name for name, _ in model.named_parameters() if name.startswith("encoder.layers.")}
    assert len(names) == len(factors)
    # 0.87 / 0.81 (3^4 M)^(-1/8) of SMALL's three layers, worked out by hand.
    rate = {1: 0.6201, 2: 0.5687}[decoder_layers]
    (of_all,) = set(factors.values())
    assert of_all == (pytest.approx(rate, abs=5.1e-5), 1.0, 1.0)


def test_without_a_rule_there_are_no_factors(small: Config) -> None:
    assert stack_factors(small, "none") == {}
    assert parameter_factors(small, EncoderDecoder(small).stacks, "none") == {}


@pytest.mark.parametrize("scheme", OTHER_SCHEMES)
def test_other_schemes_have_no_rule(scheme: SchemeName, build: Build) -> None:
    config = build(scheme=scheme).config
    with pytest.raises(ValueError, match=f"no rule 'adam' was found for scheme {scheme}, which trains without one"):
        stack_factors(config, "adam")
    assert stack_factors(config, "none") == {}


@pytest.mark.parametrize("lacking", ["encoder_layers", "decoder_layers"])
def test_a_stack_on_its_own_has_no_rule(lacking: str, small: Config) -> None:
    model = build_model(replace(small, **{lacking: 0, "target_vocabulary_size": 40}))
    with pytest.raises(ValueError, match="a stack of scheme deepnorm on its own"):
        parameter_factors(model.config, model.stacks, "adam")
    assert parameter_factors(model.config, model.stacks, "none") == {}


@pytest.mark.parametrize(("N", "M"), [(3, 0), (3, 2)])
def test_completep_is_of_epsilon_and_of_models_with_a_tuned_depth(N: int, M: int, small: Config) -> None:
    """1/m of each stack's own depth, on the parameters of its layers (arXiv 2505.01618, Table 1)."""
    plain = replace(small, scheme="preln", encoder_layers=N, decoder_layers=M)
    factors = stack_factors(replace(plain, tuned_depth=2), "completep")
    expected = {"encoder": Factors(epsilon=2 / 3), "decoder": Factors(epsilon=1.0)}
    assert factors == {stack: expected[stack] for stack, layers in zip(expected, (N, M), strict=True) if layers}
    with pytest.raises(ValueError, match="rule 'completep' needs the depth for which the rate was chosen"):
        stack_factors(plain, "completep")


def test_rules_have_names() -> None:
    assert [checked_rule(name) for name in RULES] == ["none", "adam", "completep"]
    with pytest.raises(ValueError, match="'adan' is none of the rules none, adam, completep"):
        checked_rule("adan")


def test_parameters_of_equal_factors_are_a_group() -> None:
    slow, plain = Factors(rate=0.5), Factors()
    groups = groups_of({"a": plain, "b": slow, "c": Factors(1.0, 1.0, 1.0), "d": slow})
    assert list(groups.items()) == [(plain, ["a", "c"]), (slow, ["b", "d"])]
