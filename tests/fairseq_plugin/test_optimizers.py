"""torch's fused Adam against fairseq's, tensor by tensor."""

from __future__ import annotations

import pytest
import torch
from fairseq.optim.adam import FairseqAdam, FairseqAdamConfig
from omegaconf import OmegaConf

from mtdeep.fairseq_plugin.optimizers import TorchAdam


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_takes_fairseqs_steps(weight_decay: float) -> None:
    cfg = OmegaConf.structured(
        FairseqAdamConfig(lr=[1e-2], tpu=False, adam_betas="(0.9, 0.98)", adam_eps=1e-12, weight_decay=weight_decay)
    )
    results = []
    for optimizer_class in (FairseqAdam, TorchAdam):
        torch.manual_seed(0)
        parameters = [torch.nn.Parameter(torch.randn(4, 3)), torch.nn.Parameter(torch.randn(5))]
        optimizer = optimizer_class(cfg, parameters)
        for _ in range(7):
            for parameter in parameters:
                parameter.grad = torch.randn_like(parameter)
            optimizer.step()
        results.append(parameters)
    for theirs, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
