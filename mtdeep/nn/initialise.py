"""Initialisation by role: one walk, one report in which every parameter stands exactly once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from mtdeep.nn.matrices import DeclaresMatrices, Matrices
from mtdeep.nn.roles import BRANCH_MATRICES, DeclaresRoles, Role

Report = dict[str, str]
"""{parameter name: rule by which it starts}."""


@dataclass(frozen=True)
class _Rule:
    text: str
    draw: Callable[[Tensor], object]


def initialise(model: nn.Module) -> Report:
    """Draw every parameter of `model` by the role that its module declares, and return {parameter: rule}.

    Branch matrices are drawn as their layer's scheme says; embeddings, learned positions and an untied output
    projection N(0, d^(-1/2)) with a zero padding row, as in fairseq; biases 0; normalisations 1 and 0. Encoder and
    decoder call this when they are made. Numbers come from torch's global generator. On the meta device nothing is
    drawn, as there is no memory for it.

    Raises RuntimeError naming the parameters that no role covers.
    """
    rules = _rules(model)
    for name, parameter in model.named_parameters():
        if not parameter.is_meta:  # torch takes a fifth of a millisecond to draw nothing
            rules[name].draw(parameter)
    return {name: rule.text for name, rule in rules.items()}


def initialisation_report(model: nn.Module) -> Report:
    """Return {parameter: rule} as `initialise` does, and draw nothing.

    A table shared between stacks stands there once, under its first name.
    Raises RuntimeError naming the parameters that no role covers.
    """
    return {name: rule.text for name, rule in _rules(model).items()}


def _rules(model: nn.Module) -> dict[str, _Rule]:
    found: dict[nn.Parameter, _Rule] = {}
    _walk(model, Matrices(), found)
    names = {name: parameter for name, parameter in model.named_parameters()}
    uncovered = [name for name, parameter in names.items() if parameter not in found]
    if uncovered:
        raise RuntimeError("no module declares a role for " + ", ".join(uncovered))
    return {name: found[parameter] for name, parameter in names.items()}


def _walk(module: nn.Module, matrices: Matrices, found: dict[nn.Parameter, _Rule]) -> None:
    if isinstance(module, DeclaresMatrices):
        matrices = module.matrices
    if isinstance(module, DeclaresRoles):
        parts = {"": module, **dict(module.named_children())}
        for child_name, role in module.roles.items():
            child = parts.get(child_name)
            if child is None or (child is not module and isinstance(child, DeclaresRoles)):
                continue  # a part that this model does not have, or that knows better what it is
            for name, parameter in child.named_parameters(recurse=False):
                # A shared table starts as the first of its roles says: an embedding, before an output projection.
                found.setdefault(parameter, _rule(parameter, name, child, role, matrices))
    for child in module.children():
        _walk(child, matrices, found)


def _rule(parameter: nn.Parameter, name: str, module: nn.Module, role: Role, matrices: Matrices) -> _Rule:
    if name == "bias":
        return _Rule(f"zeros ({role} bias)", nn.init.zeros_)
    if role is Role.NORM:
        return _Rule("ones (norm)", nn.init.ones_)
    if role is Role.GATE:
        return _Rule("zeros (gate)", nn.init.zeros_)
    if role is Role.SKIP:
        return _Rule("ones (skip)", nn.init.ones_)
    if role in BRANCH_MATRICES:
        draw, gain = matrices.draw, matrices.gains.get(role, 1.0)
        return _Rule(f"{draw.name}, gain {gain:.6g} ({role})", lambda matrix: draw.fill(matrix, gain))
    std = parameter.size(1) ** -0.5
    text = f"normal, std {parameter.size(1)}^(-1/2)"
    if not isinstance(module, nn.Embedding):
        return _Rule(f"{text} ({role})", lambda x: nn.init.normal_(x, std=std))

    def draw_table(table: Tensor) -> None:
        nn.init.normal_(table, std=std)
        if module.padding_idx is not None:
            nn.init.zeros_(table.detach()[module.padding_idx])

    return _Rule(f"{text}, padding row zero ({role})", draw_table)
