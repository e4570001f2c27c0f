"""The first updates of a training, in the precision in which it would run.

The recipe is the papers': Adam with betas (0.9, 0.98) and epsilon 1e-8, no weight decay, no clipping, a learning rate
that rises linearly to its peak over the warm-up and stays there; for parameters of some depths multiplied, where a rule
says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mtdeep.nn import Model
from mtdeep.nn.depth_rates import parameter_factors
from mtdeep.nn.factored_steps import FactoredSteps
from mtdeep.nn.factors import DepthRates, Factors
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.objective import first_scale, score

BETAS, EPSILON = (0.9, 0.98), 1e-8


@dataclass(frozen=True)
class Update:
    """One update: learning rate, loss (nll) before it in nats per token, norm of the gradient by all parameters.

    skipped: it was left out, because the gradient was not finite.
    """

    learning_rate: float
    nll: float
    gradient_norm: float
    skipped: bool


class Trainer:
    """Updates a model that is in float32, bfloat16 or float16, beside a float32 copy of its parameters where needed.

    As fairseq's --bf16 and --fp16 do: the whole model in the type, Adam in float32; in float16 the loss is scaled, and
    an update whose gradient overflows is skipped and halves the scale. With autocast as its --amp does on a CPU: the
    model in float32, its matrix products in bfloat16, no scale.
    """

    def __init__(
        self,
        model: Model,
        *,
        learning_rate: float,
        warmup: int,
        autocast: bool = False,
        depth_rates: DepthRates = "none",
    ) -> None:
        self.model = model
        self.autocast = autocast
        self.learning_rate = learning_rate
        self.warmup = warmup
        named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self._parameters = list(named.values())
        half = self._parameters[0].dtype != torch.float32
        self._masters = [p.detach().float() for p in self._parameters] if half else self._parameters
        self._adam = torch.optim.AdamW(
            self._masters, lr=learning_rate, betas=BETAS, eps=EPSILON, weight_decay=0.0, fused=True
        )
        factors = parameter_factors(model.config, model.stacks, depth_rates)
        FactoredSteps(self._adam, {name: factors.get(parameter, Factors()) for name, parameter in named.items()})
        self._scale = first_scale(model)
        self._updates = 0

    @property
    def scale(self) -> float:
        """What the summed loss is multiplied by at present."""
        return self._scale

    def update(self, batch: ProbeBatch) -> Update:
        """Update the model on one batch."""
        self._updates += 1
        rate = self.learning_rate * min(1.0, self._updates / self.warmup if self.warmup else 1.0)
        for group in self._adam.param_groups:
            group["lr"] = rate
        self.model.train()
        self.model.zero_grad(set_to_none=True)
        loss = score(self.model, batch, autocast=self.autocast)
        (loss.smoothed * self._scale).backward()
        norm = self._take_gradients(self._scale * loss.tokens)
        skipped = not math.isfinite(norm)
        if skipped:
            self._scale = max(self._scale / 2, 1.0)
        else:
            self._adam.step()
            self._write_back()
            self.model.set_num_updates(self.model.num_updates + 1)
        return Update(rate, loss.nll, norm, skipped)

    @torch.no_grad()
    def _take_gradients(self, scale: float) -> float:
        """Hand the gradients, divided by *scale*, to Adam; return their norm."""
        gradients: list[Tensor] = []
        for parameter, master in zip(self._parameters, self._masters, strict=True):
            if parameter.grad is not None:
                master.grad = parameter.grad.float().div_(scale)
                gradients.append(master.grad)
        return torch.nn.utils.get_total_norm(gradients).item()

    @torch.no_grad()
    def _write_back(self) -> None:
        for parameter, master in zip(self._parameters, self._masters, strict=True):
            if master is not parameter:
                parameter.copy_(master)
