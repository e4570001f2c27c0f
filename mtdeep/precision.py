"""The precisions that fairseq trains in, and what each of them keeps beside a batch.

Source: fairseq 0.12.2, `build_fp32_params` of `optim/fp16_optimizer.py` (fp16, bf16) and `optim/amp_optimizer.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

AUTOCAST: Mapping[str, torch.dtype] = {"cpu": torch.bfloat16, "cuda": torch.float16}
"""What --amp multiplies matrices in: the plugin's choice on a CPU (its patch `cpu_amp`), torch's own on CUDA."""


@dataclass(frozen=True)
class Precision:
    """One of fairseq's precisions.

    weights: type of parameters and gradients. autocast: matrix products in 16 bits, of weights in 32. masters: a
    float32 copy of all parameters, and float32 gradients for it, both kept from the first update to the last. Adam's
    two moments are in float32 in each.
    """

    flag: str
    weights: torch.dtype
    autocast: bool = False
    masters: bool = False

    def products(self, device: str) -> torch.dtype:
        """Return the type in which the device, cpu or cuda, multiplies matrices."""
        return AUTOCAST[device] if self.autocast else self.weights

    def state_bytes(self, parameters: int) -> dict[str, int]:
        """Return the bytes of what `parameters` numbers need in training, whatever the batch, by what it is."""
        wide = parameters * torch.float32.itemsize
        own = parameters * self.weights.itemsize
        masters = {"float32 copy of the weights": wide, "float32 gradients": wide} if self.masters else {}
        return {"weights": own, "gradients": own, **masters, "Adam's two moments": 2 * wide}


PRECISIONS: Mapping[str, Precision] = {
    "fp32": Precision("", torch.float32),
    "amp": Precision("--amp", torch.float32, autocast=True),
    "bf16": Precision("--bf16", torch.bfloat16, masters=True),
    "fp16": Precision("--fp16", torch.float16, masters=True),
}
"""From the name to what it keeps."""
