"""Rates by depth: what Adam's options are multiplied with, for the parameters of each stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from mtdeep.nn.config import Config, StackName
from mtdeep.nn.factors import DepthRates, Factors
from mtdeep.nn.scheme import SCHEMES


def stack_factors(config: Config, rule: DepthRates) -> dict[StackName, Factors]:
    """Return the factors of the parameters of a stack's layers, of those stacks that have any.

    Raises ValueError when the model's scheme has no such rule. Sources: those of `depth`.
    """
    if rule == "none":
        return {}
    names: tuple[StackName, ...] = ("encoder", "decoder")
    stacks = {name: SCHEMES[config.scheme](config, name) for name in names if config.of_stack(name).layers}
    factors = {name: scheme.rates[rule] for name, scheme in stacks.items() if rule in scheme.rates}
    if not factors:
        others = dict.fromkeys(other for scheme in stacks.values() for other in scheme.rates)
        raise ValueError(_none_found(config, rule, list(others)))
    return factors


def _none_found(config: Config, rule: DepthRates, others: Sequence[DepthRates]) -> str:
    if rule == "completep" and config.scheme == "preln":
        return f"rule {rule!r} needs the depth for which the rate was chosen: give --tuned-depth"
    alone = not (config.encoder_layers and config.decoder_layers)
    what = f"a stack of scheme {config.scheme} on its own" if alone else f"scheme {config.scheme}"
    instead = f"has {' and '.join(map(repr, others))}" if others else "trains without one"
    return f"no rule {rule!r} was found for {what}, which {instead}: leave it out"


def parameter_factors(config: Config, stacks: Mapping[str, nn.Module], rule: DepthRates) -> dict[nn.Parameter, Factors]:
    """Return the factors of the parameters that have any; *stacks* are the model's, by name.

    Raises ValueError when the model's scheme has no such rule.
    """
    return {
        parameter: factors
        for stack, factors in stack_factors(config, rule).items()
        for parameter in stacks[stack].get_submodule("layers").parameters()
    }
