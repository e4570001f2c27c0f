"""What the steps of an optimizer with factors do to parameters, against optimizers whose options are multiplied."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import pytest
import torch
from fairseq.optim.adam import Adam
from torch.nn import Parameter
from torch.optim import AdamW, Optimizer

from mtdeep.nn.factored_steps import FactoredSteps
from mtdeep.nn.factors import Factors

ADAMS = {"torch": AdamW, "torch, fused": partial(AdamW, fused=True), "fairseq": Adam}
OPTIONS = {"lr": 0.01, "eps": 1e-3, "weight_decay": 0.1}
FACTORS = {
    "slow": Factors(rate=0.1),
    "plain": Factors(),
    "other": Factors(rate=0.3, epsilon=20.0, decay=0.5),
    "slow too": Factors(rate=0.1),
}
MakeAdam = Callable[..., Optimizer]


@pytest.fixture(params=ADAMS)
def make_adam(request: pytest.FixtureRequest) -> MakeAdam:
    return ADAMS[request.param]


def factored(
    make_adam: MakeAdam, start: float = 1.0, factors: dict[str, Factors] = FACTORS, **changes: float
) -> tuple[Optimizer, dict[str, Parameter]]:
    """Return an optimizer with factors and its parameters of three numbers, in float64, by name."""
    parameters = {name: Parameter(torch.full((3,), start, dtype=torch.float64)) for name in factors}
    optimizer = make_adam([*parameters.values()], **{**OPTIONS, **changes})
    FactoredSteps(optimizer, factors)
    return optimizer, parameters


def draw_gradients(seed: int, *sets: dict[str, Parameter]) -> None:
    """Give the parameters of one name, in every set, the same gradient."""
    torch.manual_seed(seed)
    for name in sets[0]:
        gradient = torch.randn(3, dtype=torch.float64)
        for parameters in sets:
            parameters[name].grad = gradient.clone()


def assert_options_are_the_schedules(optimizer: Optimizer, **expected: float) -> None:
    for group in optimizer.param_groups:
        assert {name: group[name] for name in OPTIONS} == {**OPTIONS, **expected}


def test_the_first_step_is_the_rate_times_the_factor(make_adam: MakeAdam) -> None:
    """Adam's first step is the gradient's sign where the gradient is far above epsilon."""
    optimizer, parameters = factored(make_adam, start=0.0, eps=1e-12)
    draw_gradients(1, parameters)
    optimizer.step()
    for name, parameter in parameters.items():
        expected = -0.01 * FACTORS[name].rate * parameter.grad.sign()
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-8, atol=0)
    assert_options_are_the_schedules(optimizer, eps=1e-12)


def test_a_steps_decay_does_not_depend_on_the_rates_factor(make_adam: MakeAdam) -> None:
    """Without a gradient, decay is all that moves a parameter: by rate times decay, and the decay's own factor."""
    optimizer, parameters = factored(make_adam)
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, decay in {"slow": 0.1, "plain": 0.1, "other": 0.05, "slow too": 0.1}.items():
        expected = torch.full((3,), 1 - 0.01 * decay, dtype=torch.float64)
        torch.testing.assert_close(parameters[name].detach(), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("make_adam", ["torch", "torch, fused"], indirect=True)
def test_epsilon_has_a_factor(make_adam: MakeAdam) -> None:
    """With a gradient of epsilon's size torch's first step is rate / (1 + factor)."""
    optimizer, parameters = factored(make_adam, start=0.0)
    for parameter in parameters.values():
        parameter.grad = torch.full_like(parameter, OPTIONS["eps"])
    optimizer.step()
    for name, expected in {"slow": 0.001 / 2, "plain": 0.01 / 2, "other": 0.003 / 21, "slow too": 0.001 / 2}.items():
        assert parameters[name].tolist() == pytest.approx([-expected] * 3, rel=1e-9)


def test_steps_are_those_of_optimizers_of_their_own(make_adam: MakeAdam) -> None:
    """Seven steps along a schedule, against an optimizer for each parameter with its options multiplied by hand."""
    optimizer, parameters = factored(make_adam)
    by_hand = {name: Parameter(parameter.detach().clone()) for name, parameter in parameters.items()}
    own = {
        name: make_adam(
            [by_hand[name]],
            lr=0.01 * factors.rate,
            eps=1e-3 * factors.epsilon,
            weight_decay=0.1 * factors.decay / factors.rate,
        )
        for name, factors in FACTORS.items()
    }
    for step in range(7):
        rate = 0.01 / (1 + step)
        draw_gradients(step, parameters, by_hand)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        assert_options_are_the_schedules(optimizer, lr=rate)
        for name, one in own.items():
            one.param_groups[0]["lr"] = rate * FACTORS[name].rate
            one.step()
            torch.testing.assert_close(parameters[name], by_hand[name], rtol=1e-12, atol=1e-15)


def test_without_factors_no_bit_changes(make_adam: MakeAdam) -> None:
    optimizer, parameters = factored(make_adam, factors=dict.fromkeys(FACTORS, Factors()))
    plain = {name: Parameter(parameter.detach().clone()) for name, parameter in parameters.items()}
    other = make_adam([*plain.values()], **OPTIONS)
    assert len(optimizer.param_groups) == 1
    for step in range(3):
        draw_gradients(step, parameters, plain)
        optimizer.step()
        other.step()
    for name in plain:
        assert torch.equal(parameters[name], plain[name])


def test_groups_say_what_they_are(make_adam: MakeAdam) -> None:
    optimizer, parameters = factored(make_adam)
    groups = optimizer.state_dict()["param_groups"]
    assert [group["param_names"] for group in groups] == [["slow", "slow too"], ["plain"], ["other"]]
    recorded = [(group["rate_factor"], group["epsilon_factor"], group["decay_factor"]) for group in groups]
    assert recorded == [(0.1, 1.0, 1.0), (1.0, 1.0, 1.0), (0.3, 20.0, 0.5)]
    for group in optimizer.param_groups:
        assert [id(p) for p in group["params"]] == [id(parameters[name]) for name in group["param_names"]]


def test_factors_are_the_rules_whatever_a_state_that_is_loaded_records(make_adam: MakeAdam) -> None:
    """Moments and the schedule's rate come from the state; the next step has this optimizer's factors."""
    before, parameters = factored(make_adam)
    for step in range(2):
        draw_gradients(step, parameters)
        before.step()
    halved = {name: factors._replace(rate=factors.rate / 2) for name, factors in FACTORS.items()}
    after, others = factored(make_adam, factors=halved, weight_decay=0.0)
    for name, parameter in parameters.items():
        others[name].data.copy_(parameter.data)
    state = before.state_dict()
    for group in state["param_groups"]:
        group.update(lr=0.005, weight_decay=0.0)
    before.load_state_dict(deepcopy(state))
    after.load_state_dict(deepcopy(state))
    assert [group["rate_factor"] for group in after.param_groups] == [0.1, 1.0, 0.3]
    start = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    draw_gradients(2, parameters, others)
    before.step()
    after.step()
    for name in start:
        whole, half = (moved[name].detach() - start[name] for moved in (parameters, others))
        torch.testing.assert_close(half, whole / 2, rtol=1e-9, atol=0)
    assert [group["rate_factor"] for group in after.param_groups] == [0.05, 0.5, 0.15]
    assert_options_are_the_schedules(after, lr=0.005, weight_decay=0.0)
