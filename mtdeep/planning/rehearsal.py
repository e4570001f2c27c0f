"""One training step of the real model, gone through without memory.

The step is fairseq's: forward pass and loss, under autocast with --amp; backward pass; update. It is the second step of
a training, for Adam makes its moments in the first.
Shapes: B sentences, T positions of each, on either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mtdeep.nn import Config, Model, build_model, linear_cross_entropy
from mtdeep.planning.cuda import as_on, stay_on_cuda
from mtdeep.planning.live_bytes import LiveBytes
from mtdeep.precision import Precision

BEFORE = "before the step"
LOSS = "loss"


@dataclass(frozen=True)
class Setting:
    """How a model is trained.

    device: cpu or cuda. accumulates: gradients are there while a batch is gone through, those of an update's other
    batches (--update-freq), or always (--gradient-as-bucket-view).
    """

    precision: Precision
    device: str
    accumulates: bool = False


@dataclass(frozen=True)
class Batch:
    """`sentences` pairs whose longer side has `length` tokens, tag and end-of-sentence counted."""

    sentences: int
    length: int

    @property
    def tokens(self) -> int:
        """What the batch counts against fairseq's --max-tokens."""
        return self.sentences * self.length


@dataclass(frozen=True)
class Trace:
    """What one step took.

    peaks: the most bytes alive, by (stage, operator of torch). parameters: how many in the embeddings, and in each
    stack's layers. state: bytes alive before the step. forward: bytes that the forward pass added, before the
    loss. flops: of matrix products, forward and backward.
    """

    peaks: Mapping[tuple[str, str], int]
    parameters: Mapping[str, int]
    state: int
    forward: int
    flops: int

    @property
    def peak(self) -> int:
        """The most bytes that were alive at once."""
        return max(self.peaks.values())

    @property
    def loss(self) -> int:
        """The most bytes that the loss added to what the forward pass had left."""
        return max(peak for (stage, _), peak in self.peaks.items() if stage == LOSS) - self.forward - self.state

    @property
    def peak_stage(self) -> str:
        """The stage in which they were."""
        return max(self.peaks, key=lambda place: self.peaks[place])[0]


def rehearse(config: Config, setting: Setting, batch: Batch) -> Trace:
    """Go through one step of training on a batch with padding."""
    source, target = _tokens(config, batch)
    # A real number, at which the loss looks on a CPU; it does not on CUDA, where it does what any but 1 would bring.
    scale = torch.ones(()) if setting.device == "cpu" else torch.full((), 2.0)
    products = setting.precision.products(setting.device)
    with LiveBytes() as tensors, as_on(setting.device):
        tensors.begin(BEFORE)
        model = _new_model(config, setting.precision)
        optimizer = _after_one_update(model, setting)
        state = tensors.live
        for tokens in (source, target):
            tensors.add(tokens)
        if setting.device == "cuda":
            stay_on_cuda(layer for stack in model.stacks.values() for layer in stack.layers)
        _announce_layers(model, tensors)
        tensors.begin("the first embedding")
        with torch.autocast("cpu", products, enabled=setting.precision.autocast):
            loss, forward = _loss(model, source, target, tensors)
        tensors.begin("backward pass of the loss and the last layer")
        loss.backward(scale)
        tensors.begin("update")
        optimizer.step()
        peaks = {place: peak for place, peak in tensors.peaks.items() if place[0] != BEFORE}
        return Trace(peaks, _parameters(model), state, forward - state, tensors.flops)


def _loss(model: Model, source: Tensor, target: Tensor, tensors: LiveBytes) -> tuple[Tensor, int]:
    """Return the loss, and the bytes that were alive before it was begun."""
    features = model.features(source, target).flatten(0, 1)
    forward = tensors.live
    tensors.begin(LOSS)
    weight = model.output_projection.weight
    loss, _ = linear_cross_entropy(
        features, weight, target.flatten(), label_smoothing=0.1, padding_idx=model.config.padding_idx
    )
    return loss, forward


def _tokens(config: Config, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return source and target (B, T) with one padding at the end: with any, masks are made."""
    real = 0 if config.padding_idx else 1
    tokens = torch.full((batch.sentences, batch.length), real)
    if batch.sentences > 1 and batch.length > 1:
        tokens[-1, -1] = config.padding_idx
    return tokens, tokens.clone()


def _new_model(config: Config, precision: Precision) -> Model:
    usual = torch.get_default_dtype()
    torch.set_default_dtype(precision.weights)
    try:
        return build_model(config).train()
    finally:
        torch.set_default_dtype(usual)


def _after_one_update(model: nn.Module, setting: Setting) -> torch.optim.Optimizer:
    """Return the optimiser with its moments, when the gradients of the first update are gone."""
    parameters = list(model.parameters())
    updated = [nn.Parameter(p.detach().float()) for p in parameters] if setting.precision.masters else parameters
    for parameter in updated:
        parameter.grad = torch.zeros_like(parameter)
    optimizer = torch.optim.AdamW(updated, fused=True)
    optimizer.step()
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter) if setting.accumulates else None
    return optimizer


def _announce_layers(model: Model, tensors: LiveBytes) -> None:
    """Let a stage begin with each layer, on the way forward and on the way back."""
    before = "backward pass of the embeddings"
    for name, stack in model.stacks.items():
        for number, layer in enumerate(stack.layers, start=1):
            place = _place(number, len(stack.layers))
            _announce(layer, tensors, f"{name}'s {place} layer", then=before)
            before = f"backward pass of the {name}'s {place} layer"


def _announce(layer: nn.Module, tensors: LiveBytes, name: str, *, then: str) -> None:
    announced = False

    def forward(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        nonlocal announced
        if announced:  # and is gone through once more, for its activations
            return
        announced = True
        tensors.begin(f"forward pass of the {name}")
        stream = inputs[0] if isinstance(inputs[0], tuple) else (inputs[0],)
        next(part for part in stream if part.requires_grad).register_hook(lambda _: tensors.begin(then))

    layer.register_forward_pre_hook(forward)


def _place(number: int, layers: int) -> str:
    if number == 1:
        return "first"
    return "last" if number == layers else "inner"


def _parameters(model: Model) -> dict[str, int]:
    counts = {
        name: sum(p.numel() for part in (stack.layers, stack.layer_norm) for p in part.parameters())
        for name, stack in model.stacks.items()
    }
    return {"embeddings": sum(p.numel() for p in model.parameters()) - sum(counts.values()), **counts}
