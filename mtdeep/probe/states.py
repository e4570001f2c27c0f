"""The states of every layer in one pass: hooks on the layers, so that no scheme has to know of it.

The stream between layers may be a tuple (ResiDual: what branches read, and the sum beside it); its first element is
what is looked at, and of a second one the size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from mtdeep.nn import Model
from mtdeep.nn.transformer import Stack
from mtdeep.probe import statistics
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.objective import features, loss_of, read_tokens


@dataclass(frozen=True)
class States:
    """Numbers on the states behind one layer: see `statistics` for what each is.

    layer 0 is what the first layer reads. norm_input: mean size of what the layer's residual normalisations are given
    (DeepNet's Figures 3 and 4). Numbers that there is nothing to compute from are None.
    """

    layer: int
    rms: float
    spread: float
    kernel_cosine: float
    effective_rank: float
    neighbour_cosine: float | None = None
    norm_input: float | None = None
    dual_rms: float | None = None


@dataclass
class StackStates:
    """States of a stack: layers 0 to its last, and its output, behind the last normalisation."""

    layers: list[States] = field(default_factory=list)
    output: States | None = None


@dataclass(frozen=True)
class Pass:
    """One forward pass without dropout: states by stack, outputs by stack, and the loss in nats per token."""

    states: dict[str, StackStates]
    outputs: dict[str, Tensor]
    nll: float


def observe(model: Model, batch: ProbeBatch) -> Pass:
    """Run a batch through the model as it decodes and look at every layer."""
    states: dict[str, StackStates] = {}
    outputs: dict[str, Tensor] = {}
    with _decoding(model), _Hooks() as hooks:
        for name, stack in model.stacks.items():
            states[name] = StackStates()
            real = read_tokens(name, batch).ne(model.config.padding_idx)
            _watch(hooks, stack, states[name], real, partial(outputs.__setitem__, name))
        nll = loss_of(model, features(model, batch), batch).nll
    return Pass(states, outputs, nll)


def run(model: Model, batch: ProbeBatch) -> tuple[dict[str, Tensor], float]:
    """Return the outputs by stack and the loss in nats per token, as `observe` does, and look at nothing else."""
    outputs: dict[str, Tensor] = {}
    with _decoding(model), _Hooks() as hooks:
        for name, stack in model.stacks.items():
            hooks.after(stack, partial(_keep_output, outputs, name))
        nll = loss_of(model, features(model, batch), batch).nll
    return outputs, nll


def _keep_output(
    outputs: dict[str, Tensor], name: str, module: nn.Module, inputs: tuple[object, ...], output: object
) -> None:
    outputs[name] = _first(output)


def _watch(hooks: _Hooks, stack: Stack, states: StackStates, real: Tensor, keep: Callable[[Tensor], None]) -> None:
    norm_inputs: list[float] = []

    def before_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        norm_inputs.append(statistics.rms(inputs[0], real))

    def after_layer(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        given, found = _first(inputs[0]), _first(output)
        if not states.layers:
            states.layers.append(_states(0, given, real))
        states.layers.append(
            _states(
                len(states.layers),
                found,
                real,
                neighbour_cosine=statistics.cosine(given, found, real),
                norm_input=sum(norm_inputs) / len(norm_inputs) if norm_inputs else None,
                dual_rms=statistics.rms(output[1], real) if isinstance(output, tuple) else None,
            )
        )
        norm_inputs.clear()

    def after_stack(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        states.output = _states(len(states.layers) - 1, _first(output), real)
        keep(_first(output))

    for layer in stack.layers:
        for name, module in layer.named_children():
            # Those of the residuals, by fairseq's names; Sub-LN's second ones stand within a branch.
            if name.endswith("_layer_norm") and isinstance(module, nn.LayerNorm):
                hooks.before(module, before_norm)
        hooks.after(layer, after_layer)
    hooks.after(stack, after_stack)


def _states(layer: int, states: Tensor, real: Tensor, **more: float | None) -> States:
    sigma = statistics.kernel(states, real)
    return States(
        layer=layer,
        rms=statistics.rms(states, real),
        spread=statistics.spread(states, real),
        kernel_cosine=statistics.kernel_cosine(sigma, real),
        effective_rank=statistics.effective_rank(sigma, real),
        **more,
    )


def _first(stream: object) -> Tensor:
    found = stream[0] if isinstance(stream, tuple) else stream
    assert isinstance(found, Tensor)
    return found


class _Hooks:
    """Hooks that are taken away at the end."""

    def __init__(self) -> None:
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> _Hooks:
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()

    def before(self, module: nn.Module, hook: Callable[..., None]) -> None:
        """Call hook(module, inputs) before each forward pass of the module."""
        self._handles.append(module.register_forward_pre_hook(hook))

    def after(self, module: nn.Module, hook: Callable[..., None]) -> None:
        """Call hook(module, inputs, output) after each forward pass of the module."""
        self._handles.append(module.register_forward_hook(hook))


@contextmanager
def _decoding(model: nn.Module) -> Iterator[None]:
    """Without dropout and without gradients."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)
