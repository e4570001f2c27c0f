"""Runs torch without memory and without arithmetic, and counts the bytes of living tensors and what they would cost."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop, sdpa_flop

# Not `FlopCounterMode`: its hooks on modules keep alive what activation checkpointing makes again (torch 2.13).
_FLOPS: Mapping[Any, Any] = {
    **flop_registry,
    # What torch takes on a CPU is not in its table.
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop,
}


class LiveBytes(TorchDispatchMode):
    """While it is on, new tensors have shape, type and life, but no memory; use as a context manager.

    `live` is the bytes of the storages that are alive, and `peaks` the most that there were after each of torch's
    operators, by (stage, operator), the stage as `begin` was given it. A view adds nothing to the tensor that it looks
    into. `flops` are the floating point operations of matrix products, a multiplication and an addition counted as two.

    Real tensors made before stay real, and so does what is computed from them alone: a model may look at its tokens
    (`bool(padding.any())`) and choose its way by them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = 0
        self.flops = 0
        self.peaks: dict[tuple[str, str], int] = {}
        self._stage = ""
        self._storages: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        self._without_memory = FakeTensorMode(allow_non_fake_inputs=True)

    def begin(self, stage: str) -> None:
        """Begin a stage; one may have several parts."""
        self._stage = stage

    def add(self, tensor: Tensor) -> None:
        """Count a tensor that torch has made, if its storage is new."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._storages:
            return

        def gone(_: object) -> None:
            self.live -= size
            del self._storages[key]

        self._storages[key] = weakref.ref(storage, gone)
        self.live += size

    def _note_peak(self, operator: str, inside: int) -> None:
        place = (self._stage, operator)
        self.peaks[place] = max(self.peaks.get(place, 0), self.live + inside)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.prim.device.default:  # two calls of three; nothing is made
            return args[0].fake_device
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if given and not any(isinstance(tensor, FakeTensor) for tensor in given):
            result = func(*args, **kwargs)
        else:
            if func is torch.ops.aten.index.Tensor:
                # How many rows a real mask chooses is known here, but not to a tensor without memory.
                args = (args[0], _numbers(args[1]), *args[2:])
            with self._without_memory:
                result = func(*args, **kwargs)
        if (formula := _FLOPS.get(func._overloadpacket)) is not None:
            self.flops += formula(*args, **kwargs, out_val=result)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.add(leaf)
        self._note_peak(str(func), _inside(func, args, result))
        return result


def _inside(func: object, args: tuple[Any, ...], result: Any) -> int:
    """Return the bytes that an operator makes, out of sight, and drops: log_softmax's copy of x in another type.

    Not of float16, which is CUDA's here: its kernel reads that as it is (torch's `aten/src/ATen/native/SoftMax.cpp`).
    """
    if func is not torch.ops.aten.log_softmax.int_out or args[0].dtype in (result.dtype, torch.float16):
        return 0
    return int(result.nbytes)


def _numbers(indices: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Turn the masks (n,) among indices into the numbers of the elements that they choose."""
    return [mask if mask is None or mask.dtype != torch.bool else mask.nonzero().squeeze(1) for mask in indices]
