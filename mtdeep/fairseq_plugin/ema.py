"""The moving average of a training's weights (``--store-ema``), in float32, over all tensors at once.

fairseq's own visits every tensor in Python, averages a table that is shared once for each of its names, so that its
decay is the third power of what was asked for, and with ``--bf16`` adds to rounded weights, which stay where they are
from a decay of 0.99 on. Here what is averaged are the float32 weights, each once. It is kept in checkpoints under
fairseq's names; `mtdeep average --ema` makes a checkpoint of it that translates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from fairseq import checkpoint_utils
from torch import Tensor

from mtdeep.fairseq_plugin.deep_model import unwrapped
from mtdeep.fairseq_plugin.masters import masters


def begin_with_weights(state: Mapping[str, Any], *, anew: bool) -> None:
    """Let the average of a training that had none, or that begins *anew*, begin with its checkpoint's weights.

    fairseq means to do so where there is none, and has forgotten the weights by then.
    """
    extra_state = state.get("extra_state")
    if extra_state is not None and (anew or "ema" not in extra_state):
        extra_state["ema"] = state["model"]
        extra_state.pop("ema_fp32_params", None)


def forget(extra_state: dict[str, Any] | None) -> None:
    """Let go of an average that has been taken over; fairseq keeps what it has read as long as the training runs."""
    for name in ("ema", "ema_fp32_params"):
        if extra_state is not None:
            extra_state.pop(name, None)


class Ema:
    """What fairseq's trainer asks of `fairseq.models.ema.EMA`, of which this stands in the place."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._config = trainer.cfg.ema
        self._names = dict(self._model.named_parameters())
        self._means = [weight.clone() for weight in self._weights()]
        if self._config.ema_seed_model is not None:
            self.restore(checkpoint_utils.load_ema_from_checkpoint(self._config.ema_seed_model)["model"])

    @torch.no_grad()
    def step(self, model: object, updates: int) -> None:
        """Let the average move to the weights after so many updates: by all of the way before --ema-start-update."""
        decay = self._config.ema_decay if updates >= self._config.ema_start_update else 0.0
        if updates % max(1, self._config.ema_update_freq) == 0:
            torch._foreach_lerp_(self._means, self._weights(), 1.0 - decay)

    def get_decay(self) -> float:
        """Return what the log shows."""
        return float(self._config.ema_decay)

    def get_model(self) -> Ema:
        """Return what has a `state_dict`."""
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """Return the model's state with the average in the place of its weights, under all their names."""
        means = dict(zip(self._names.values(), self._means, strict=True))
        state: dict[str, Tensor] = self._model.state_dict()
        named = self._model.named_parameters(remove_duplicate=False)
        return state | {name: means[parameter] for name, parameter in named if name in state}

    @property
    def fp32_params(self) -> dict[str, Tensor]:
        """What fairseq saves beside it with ``--ema-fp32``: the same, as it is in float32 already."""
        return self.state_dict()

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor], build_fp32_params: bool = False) -> None:
        """Go on from a state of a model's, or of an average."""
        for name, mean in zip(self._names, self._means, strict=True):
            if name in state:
                mean.copy_(state[name])

    def build_fp32_params(self, state: Mapping[str, Tensor] | None = None) -> None:
        """Go on from what fairseq has saved with ``--ema-fp32``."""
        self.restore(state or {})

    @property
    def _model(self) -> torch.nn.Module:
        return unwrapped(self._trainer.get_model())

    def _weights(self) -> list[Tensor]:
        """Return the weights in float32, each once."""
        unrounded = dict(masters(self._trainer.optimizer))
        return [
            unrounded[parameter].view_as(parameter) if parameter in unrounded else parameter.detach().float()
            for parameter in self._names.values()
        ]
