"""Rates by depth: what Adam's options are multiplied with, for the parameters of each stack, and how a step does it.

An optimizer keeps one rate, the schedule's, in all its groups: schedules, logs and what stops a training read it there.
The factors are multiplied in during a step alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn
from torch.optim import Optimizer

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
        raise ValueError(_none_found(config, rule))
    return factors


def _none_found(config: Config, rule: DepthRates) -> str:
    if rule == "completep" and config.scheme == "preln":
        return f"rule {rule!r} needs --tuned-depth (tuned_depth), the depth for which the rate was chosen"
    alone = not (config.encoder_layers and config.decoder_layers)
    what = f"a stack of scheme {config.scheme} on its own" if alone else f"scheme {config.scheme}"
    return f"no rule {rule!r} was found for {what}; leave it out"


def parameter_factors(config: Config, stacks: Mapping[str, nn.Module], rule: DepthRates) -> dict[nn.Parameter, Factors]:
    """Return the factors of the parameters that have any; *stacks* are the model's, by name.

    Raises ValueError when the model's scheme has no such rule.
    """
    return {
        parameter: factors
        for stack, factors in stack_factors(config, rule).items()
        for parameter in stacks[stack].get_submodule("layers").parameters()
    }


def groups_of(factors: Mapping[str, Factors]) -> dict[Factors, list[str]]:
    """Return the names of the parameters by their factors; *factors* are by name, in an optimizer's order."""
    groups: dict[Factors, list[str]] = {}
    for name, of_parameter in factors.items():
        groups.setdefault(of_parameter, []).append(name)
    return groups


class FactoredSteps:
    """The one group of a torch optimizer, split by factors, which are multiplied into each of its steps."""

    def __init__(self, optimizer: Optimizer, factors: Mapping[str, Factors]) -> None:
        """Split the group; *factors* are those of its parameters by name, in their order."""
        (group,) = optimizer.param_groups
        parameters = dict(zip(factors, group["params"], strict=True))
        groups = groups_of(factors)
        self._factors = list(groups)
        self._own: list[tuple[float, float, float]] = []
        optimizer.param_groups[:] = [
            {**group, **_recorded(of_group), "params": [parameters[name] for name in names], "param_names": names}
            for of_group, names in groups.items()
        ]
        optimizer.register_step_pre_hook(self._multiply)
        optimizer.register_step_post_hook(self._restore)

    def _multiply(self, optimizer: Optimizer, *_: object) -> None:
        self._own = [(group["lr"], group["eps"], group["weight_decay"]) for group in optimizer.param_groups]
        for group, factors in zip(optimizer.param_groups, self._factors, strict=True):
            group["lr"] *= factors.rate
            group["eps"] *= factors.epsilon
            group["weight_decay"] *= factors.decay / factors.rate

    def _restore(self, optimizer: Optimizer, *_: object) -> None:
        for group, own, factors in zip(optimizer.param_groups, self._own, self._factors, strict=True):
            group.update(zip(("lr", "eps", "weight_decay"), own, strict=True), **_recorded(factors))


def _recorded(factors: Factors) -> dict[str, float]:
    """Return the entries of a group that say what its steps are multiplied with, for those who read a checkpoint."""
    return {f"{name}_factor": value for name, value in factors._asdict().items()}
