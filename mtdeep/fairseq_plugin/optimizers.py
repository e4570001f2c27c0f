"""Adam in one call for all parameters.

fairseq's own Adam visits every tensor in Python; a network of hundreds of layers has thousands of small ones. torch's
fused kernel computes the same update on CPU and CUDA alike (with epsilon added after the bias correction, as in
Algorithm 1 of the paper, arXiv 1412.6980; fairseq adds it before).
"""

from __future__ import annotations

import torch
from fairseq.optim import FairseqOptimizer, register_optimizer
from fairseq.optim.adam import FairseqAdam, FairseqAdamConfig
from torch import nn

from mtdeep.errors import UserError


@register_optimizer("torch_adam", dataclass=FairseqAdamConfig)
class TorchAdam(FairseqAdam):
    """``--optimizer torch_adam``: the options of fairseq's ``adam``, decoupled weight decay included."""

    def __init__(self, cfg: FairseqAdamConfig, params: list[nn.Parameter]) -> None:
        FairseqOptimizer.__init__(self, cfg)
        if cfg.fp16_adam_stats or cfg.use_old_adam:
            raise UserError("--fp16-adam-stats and --use-old-adam belong to --optimizer adam; leave them out.")
        self._optimizer = torch.optim.AdamW(params, fused=True, **self.optimizer_config)

    @property
    def supports_flat_params(self) -> bool:
        """Yes: the update is the same for every element (``--fp16`` and ``--bf16`` flatten the parameters)."""
        return True
