"""The steps of a torch optimizer with factors on its options, by groups of parameters.

An optimizer keeps one rate, the schedule's, in all its groups: schedules, logs and what stops a training read it there.
The factors are multiplied in during a step alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch.optim import Optimizer

from mtdeep.nn.factors import Factors


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
