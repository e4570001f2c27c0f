"""The float32 weights behind a training in half precision: into its checkpoints, out of them, and at its beginning.

With ``--bf16`` and ``--fp16`` the model is rounded, and the optimizer steps on float32 copies of its weights, the
masters. fairseq makes them of weights that are rounded already, and saves the rounded ones: whoever goes on has lost
what the masters knew beyond. Here they begin as the model did before it was rounded, and are what a checkpoint holds,
from which fairseq's other commands gain digits; rounded they are the training's weights to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from fairseq.optim import FP16Optimizer
from torch import Tensor, nn

from mtdeep.fairseq_plugin.deep_model import unwrapped

Weights = dict[nn.Parameter, Tensor]


class Unrounded:
    """What the weights of *modules* are before they are rounded, until the optimizer's masters have been made of it."""

    def __init__(self, *modules: nn.Module) -> None:
        self._weights: Weights = {}
        for module in modules:
            # A conversion puts another tensor in a parameter's place; this one stays as it is.
            self._weights |= {parameter: parameter.data for parameter in module.parameters()}
            module.register_load_state_dict_pre_hook(self._read)

    def _read(self, module: nn.Module, state: Mapping[str, Any], prefix: str, *_: object) -> None:
        """Note the weights that a file has, just before the module rounds them."""
        for name, parameter in _named(module):
            if isinstance(state.get(prefix + name), Tensor):
                self._weights[parameter] = state[prefix + name]

    def make_masters(self, optimizer: object) -> None:
        """Let the masters of *optimizer*, if it is there and has any, be what is noted, and forget it."""
        if optimizer is None:
            return
        for parameter, master in masters(optimizer):
            noted = self._weights.get(parameter)
            if noted is not None and noted.shape == parameter.shape:
                master.copy_(noted.reshape(master.shape))
        self._weights.clear()


def unround(state: dict[str, Any], module: nn.Module, optimizer: object) -> None:
    """Put the masters of *optimizer* in the place of a module's rounded weights in its `state_dict`."""
    unrounded = dict(masters(optimizer))
    for name, parameter in _named(unwrapped(module)):
        if parameter in unrounded and name in state:
            state[name] = unrounded[parameter].view_as(parameter)


def _named(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield all names of all parameters: a table that is shared has several."""
    return module.named_parameters(remove_duplicate=False)


def masters(optimizer: object) -> Iterator[tuple[nn.Parameter, Tensor]]:
    """Yield each parameter with its master, which may be a part of a flat one; the memory-efficient kinds have none."""
    if not isinstance(optimizer, FP16Optimizer):
        return
    parameters = optimizer.fp16_params
    if not optimizer.has_flat_params:
        yield from zip(parameters, (master.data for master in optimizer.fp32_params), strict=True)
        return
    for device, flat in optimizer.fp32_params.items():
        # One device has all, unless the model is a pipeline over several: as `FP16Optimizer.build_fp32_params` has it.
        own = [p for p in parameters if len(optimizer.fp32_params) == 1 or p.device.index == device]
        yield from zip(own, torch.split(flat.data, [p.numel() for p in own]), strict=True)
