"""``--depth-rates`` in fairseq's training loop: which rule a training has, what it cannot go with, and its groups.

fairseq's `build_optimizer` is given parameters without names, and copies of them in half precision. So the torch
optimizer is split into groups just after it is built, by the names that the parameters have in the model; copies have
the place of what they are copies of.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fairseq.optim import OPTIMIZER_REGISTRY
from torch import nn

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel, unwrapped
from mtdeep.fairseq_plugin.unsuited import chosen
from mtdeep.nn import Config
from mtdeep.nn.depth_rates import parameter_factors, stack_factors
from mtdeep.nn.factored_steps import groups_of
from mtdeep.nn.factors import RULES, DepthRates, Factors

logger = logging.getLogger(__name__)
KEY = "depth_rates"
NO_RULE: DepthRates = "none"
ADAMS = ("adam", "torch_adam")


def problems(rule: str, cfg: Any, model: type) -> Iterator[str]:
    """Yield one phrase for each thing in *cfg*, and in a model of this class, with which a rule cannot go.

    A model or an optimizer that does not exist is `start.unnamed_parts`'s affair.
    """
    if rule == NO_RULE or model is object:
        return
    given = f"--depth-rates {rule}"
    if rule not in RULES:
        yield f"{given} is not among the rules of this version: {', '.join(RULES)}"
        return
    if not issubclass(model, FairseqDeepModel):
        yield f"{given} is for the architectures of mtdeep, whose models know the depth of a layer; leave it out"
        return
    try:
        stack_factors(_smallest(model, cfg), rule)
    except ValueError as error:
        yield f"{given}: {error}"
    optimizer = chosen(cfg, "optimizer")
    if optimizer in OPTIMIZER_REGISTRY and optimizer not in ADAMS:
        yield f"{given} is for --optimizer {' and '.join(ADAMS)}, not {optimizer}"
    shared = {
        "--zero-sharding os": cfg.distributed_training.zero_sharding == "os",
        "--ddp-backend fully_sharded": cfg.distributed_training.ddp_backend == "fully_sharded",
        "--use-bmuf": cfg.optimization.use_bmuf,
    }
    yield from (f"{given} and {other} do not go together" for other, is_given in shared.items() if is_given)


def _smallest(model: type[FairseqDeepModel], cfg: Any) -> Config:
    """Return the configuration of a model with one layer in each of its stacks."""
    return Config(
        tuned_depth=int(bool(getattr(cfg.model, "tuned_depth", None))),
        scheme=model.scheme,
        source_vocabulary_size=4,
        target_vocabulary_size=4,
        encoder_layers=int("encoder" in model.stack_names),
        decoder_layers=int("decoder" in model.stack_names),
    )


def recorded_rule(history: Sequence[Mapping[str, Any]] | None) -> DepthRates:
    """Return the rule of the training that wrote this `optimizer_history`."""
    rule: DepthRates = history[-1].get(KEY, NO_RULE) if history else NO_RULE
    return rule


def log_rule(rule: DepthRates, history: Sequence[Mapping[str, Any]] | None, model: nn.Module) -> None:
    """Say what a training's rule multiplies, or that it leaves out the rule of the checkpoint that it starts from."""
    lost = recorded_rule(history)
    if rule == NO_RULE and lost != NO_RULE:
        logger.warning(
            f"the checkpoint's training had --depth-rates {lost}; the optimizer starts anew without: give it to keep it"
        )
    if not isinstance(model, FairseqDeepModel):
        return
    for stack, factors in stack_factors(model.config, rule).items():
        words = {"rate": "the learning rate", "epsilon": "Adam's epsilon", "decay": "the weight decay"}
        changed = [f"{words[name]} times {value:.3g}" for name, value in factors._asdict().items() if value != 1]
        logger.info(f"--depth-rates {rule}: the {stack}'s layers have {' and '.join(changed) or 'no other rate'}")
    if model.config.tuned_depth and rule != "completep":
        logger.warning("--tuned-depth scales the branches alone; --depth-rates completep scales Adam's epsilon too")


@contextmanager
def unflattened(cfg: Any) -> Iterator[None]:
    """Let fairseq's --fp16 keep a copy of each parameter, since one flat copy of all has no groups."""
    given = cfg.common.fp16_no_flatten_grads
    cfg.common.fp16_no_flatten_grads = True
    try:
        yield
    finally:
        cfg.common.fp16_no_flatten_grads = given


def named_factors(model: nn.Module, criterion: nn.Module, rule: DepthRates) -> dict[str, Factors]:
    """Return the factors of all that is trained, by name, in the order in which fairseq hands it to the optimizer.

    Raises UserError when the model's scheme has no such rule.
    """
    deep = unwrapped(model)
    assert isinstance(deep, FairseqDeepModel) and isinstance(deep, nn.Module)
    try:
        factors = parameter_factors(deep.config, dict(deep.named_children()), rule)
    except ValueError as error:
        raise UserError(f"--depth-rates {rule}: {error}.") from None
    own = {parameter: name for name, parameter in deep.named_parameters()}
    beside = {parameter: f"criterion.{name}" for name, parameter in unwrapped(criterion).named_parameters()}
    names = own | {parameter: name for parameter, name in beside.items() if parameter not in own}
    return {name: factors.get(parameter, Factors()) for parameter, name in names.items() if parameter.requires_grad}


def take_over(state: dict[str, Any], cfg: Any, model: nn.Module, criterion: nn.Module) -> None:
    """Bring the optimizer's state in a checkpoint into the groups of its rule, which a training that goes on keeps.

    Raises UserError when the training is given another rule, or something with which the rule cannot go.
    """
    rule, given = recorded_rule(state.get("optimizer_history")), cfg.optimization.depth_rates
    if given not in (None, rule):
        raise UserError(
            f"its training had --depth-rates {rule}, and this one has {given}: leave it out, or start the optimizer "
            "anew with --reset-optimizer."
        )
    if rule == NO_RULE:
        return
    reasons = list(problems(rule, cfg, type(unwrapped(model))))
    if reasons:
        raise UserError("; ".join(reasons) + ".")
    if "last_optimizer_state" in state:
        state["last_optimizer_state"] = by_name(state["last_optimizer_state"], named_factors(model, criterion, rule))


def by_name(state: dict[str, Any], factors: Mapping[str, Factors]) -> dict[str, Any]:
    """Return the `state_dict` of an optimizer, with the parameters of each in the groups of *factors*, by name.

    A file without names has the model's order. Raises UserError when a parameter is not in the state.
    """
    saved = state["param_groups"]
    numbers = [number for group in saved for number in group["params"]]
    names = [name for group in saved for name in group.get("param_names", ())] or list(factors)
    place = dict(zip(names, numbers, strict=True)) if len(names) == len(numbers) else {}
    lacking = [name for name in factors if name not in place]
    if lacking:
        others = len(lacking) - 1
        beside = {0: "", 1: " and one other"}.get(others, f" and {others} others")
        raise UserError(f"its optimizer has no state of {lacking[0]}{beside}: start it anew with --reset-optimizer.")
    options = {number: group for group in saved for number in group["params"]}
    groups: list[dict[str, Any]] = []
    moments: dict[int, Any] = {}
    for of_group in groups_of(factors).values():
        first = sum(len(group["params"]) for group in groups)
        numbers = [place[name] for name in of_group]
        moments |= {first + n: state["state"][number] for n, number in enumerate(numbers) if number in state["state"]}
        params = list(range(first, first + len(numbers)))
        groups.append({**options[numbers[0]], "params": params, "param_names": of_group})
    return {**state, "param_groups": groups, "state": moments}
