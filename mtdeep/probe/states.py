"""The states of every layer in one pass: hooks on the layers, so that no scheme has to know of it.

Of ResiDual's two streams, the one that branches read is what is looked at, and of the other one the size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mtdeep.nn import Model
from mtdeep.nn.attention import MultiHeadAttention
from mtdeep.nn.cache import EncoderOutput
from mtdeep.nn.transformer import Stack
from mtdeep.probe import statistics
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.hooks import Hooks, read_by_branches, tensors_of
from mtdeep.probe.objective import read_tokens, score


@dataclass(frozen=True)
class Kernel:
    """The mean cosine and the effective rank of the kernel of a signal: see `statistics`."""

    cosine: float
    effective_rank: float


@dataclass(frozen=True)
class States:
    """Numbers on the states behind one layer: see `statistics` for what each is.

    layer 0 is what the first layer reads. self_attention, cross_attention: the kernels of what the layer's attention
    branches give to the stream, behind their output matrices (arXiv 2302.10322). norm_input: mean size of what the
    layer's residual normalisations are given (DeepNet's Figures 3 and 4). Numbers that there is nothing to compute from
    are None.
    """

    layer: int
    rms: float
    spread: float
    kernel: Kernel
    self_attention: Kernel | None = None
    cross_attention: Kernel | None = None
    neighbour_cosine: float | None = None
    norm_input: float | None = None
    dual_rms: float | None = None

    @property
    def relative_spread(self) -> float:
        """The spread over tokens by the size of the states; 0 of states that are all zero."""
        return self.spread / self.rms if self.rms else 0.0


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


def observe(model: Model, batch: ProbeBatch, *, autocast: bool = False) -> Pass:
    """Run a batch through the model as it decodes and look at every layer."""
    states: dict[str, StackStates] = {}
    outputs: dict[str, Tensor] = {}
    with _decoding(model), Hooks() as hooks:
        for name, stack in model.stacks.items():
            states[name] = StackStates()
            real = read_tokens(name, batch).ne(model.config.padding_idx)
            _watch(hooks, stack, states[name], real, partial(outputs.__setitem__, name))
        nll = score(model, batch, autocast=autocast).nll
    return Pass(states, outputs, nll)


def run(model: Model, batch: ProbeBatch, *, autocast: bool = False) -> tuple[dict[str, Tensor], float]:
    """Return the outputs by stack and the loss in nats per token, as `observe` does, and look at nothing else."""
    outputs: dict[str, Tensor] = {}
    with _decoding(model), Hooks() as hooks:
        for name, stack in model.stacks.items():
            hooks.after(stack, partial(_keep_output, outputs, name))
        nll = score(model, batch, autocast=autocast).nll
    return outputs, nll


def _keep_output(
    outputs: dict[str, Tensor], name: str, module: nn.Module, inputs: tuple[object, ...], output: object
) -> None:
    outputs[name] = _states_of(output)


def _watch(hooks: Hooks, stack: Stack, states: StackStates, real: Tensor, keep: Callable[[Tensor], None]) -> None:
    norm_inputs: list[float] = []
    attended: dict[str, Kernel] = {}

    def before_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        norm_inputs.append(statistics.rms(inputs[0], real))

    def after_attention(name: str, module: nn.Module, inputs: tuple[object, ...], output: Tensor) -> None:
        attended[name] = _kernel(output, real)

    def after_layer(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        given, (found, *beside) = read_by_branches(inputs[0]), tensors_of(output)
        if not states.layers:
            states.layers.append(_states(0, given, real))
        states.layers.append(
            _states(
                len(states.layers),
                found,
                real,
                neighbour_cosine=statistics.cosine(given, found, real),
                norm_input=sum(norm_inputs) / len(norm_inputs) if norm_inputs else None,
                dual_rms=statistics.rms(beside[0], real) if beside else None,
                self_attention=attended["self_attn"],
                cross_attention=attended.get("encoder_attn"),
            )
        )
        norm_inputs.clear()
        attended.clear()

    def after_stack(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        states.output = _states(len(states.layers) - 1, _states_of(output), real)
        keep(_states_of(output))

    for layer in stack.layers:
        for name, module in layer.named_children():
            # Those of the residuals, by fairseq's names; Sub-LN's second ones stand within a branch.
            if name.endswith("_layer_norm") and isinstance(module, nn.LayerNorm):
                hooks.before(module, before_norm)
            if isinstance(module, MultiHeadAttention):
                hooks.after(module, partial(after_attention, name))
        hooks.after(layer, after_layer)
    hooks.after(stack, after_stack)


def _states_of(output: object) -> Tensor:
    """Return what a stack puts out, (B, T, D)."""
    found = output.states if isinstance(output, EncoderOutput) else output
    assert isinstance(found, Tensor)
    return found


def _states(layer: int, states: Tensor, real: Tensor, **more: Any) -> States:
    return States(
        layer=layer,
        rms=statistics.rms(states, real),
        spread=statistics.spread(states, real),
        kernel=_kernel(states, real),
        **more,
    )


def _kernel(signal: Tensor, real: Tensor) -> Kernel:
    sigma = statistics.kernel(signal, real)
    return Kernel(statistics.kernel_cosine(sigma, real), statistics.effective_rank(sigma, real))


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
