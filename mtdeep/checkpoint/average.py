"""The mean of several checkpoints of one training, which often translates better than any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtdeep.checkpoint.branch_warm_up import UnfinishedWarmUp, unfinished_warm_up
from mtdeep.checkpoint.provenance import Provenance
from mtdeep.checkpoint.read import load_plain, model_config
from mtdeep.checkpoint.recorded_arguments import model_arguments
from mtdeep.errors import UserError, in_file


def average(paths: Sequence[Path | str], *, ema: bool = False) -> dict[str, object]:
    """Return the last checkpoint with the mean of the tensors of all, taken in float64 and given in their types.

    ema: of the moving averages that ``--store-ema`` has kept, in the place of the weights.
    They may be of any model of fairseq's. Raises UserError when there is none, as `load_plain` does, and for one that
    has other tensors than the last, or whose branches have another weight, being at another point of their warm-up.
    """
    if not paths:
        raise UserError("there are no checkpoints to average; name one at least.")
    states = [load_plain(path) for path in paths]
    if ema:
        states = [_with_ema(path, state) for path, state in zip(paths, states, strict=True)]
    tensors = [_tensors(path, state) for path, state in zip(paths, states, strict=True)]
    warm_ups = [_warm_up(path, state) for path, state in zip(paths, states, strict=True)]
    last = tensors[-1]
    for path, of_path, warm_up in zip(paths, tensors, warm_ups, strict=True):
        if {name: tensor.shape for name, tensor in of_path.items()} != {name: x.shape for name, x in last.items()}:
            raise UserError(f"{path}: has other tensors than {paths[-1]}; average checkpoints of one training.")
        if warm_up != warm_ups[-1]:
            raise UserError(
                f"{path}: its branches have another weight than those of {paths[-1]}, as their warm-up had not ended "
                "in both; average checkpoints from its end on."
            )
    return {**states[-1], "model": {name: _mean([of_path[name] for of_path in tensors]) for name in last}}


def _with_ema(path: Path | str, state: dict[str, Any]) -> dict[str, Any]:
    extra = dict(state.get("extra_state") or {})
    if "ema" not in extra:
        raise UserError(f"{path}: has no moving average of its weights; train with --store-ema, or leave --ema out.")
    model = extra.pop("ema")
    extra.pop("ema_fp32_params", None)
    return {**state, "model": model, "extra_state": extra}


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    total = torch.zeros_like(tensors[-1], dtype=torch.float64)
    for tensor in tensors:
        total += tensor
    return (total / len(tensors)).to(tensors[-1].dtype)


def _tensors(path: Path | str, state: Mapping[str, object]) -> Mapping[str, Tensor]:
    model = state.get("model")
    if not isinstance(model, Mapping):
        raise UserError(f"{path}: no fairseq checkpoint, it has no model; give a checkpoint*.pt file.")
    return model


def _warm_up(path: Path | str, state: Mapping[str, object]) -> UnfinishedWarmUp | None:
    """Return how far the branches of a model of ours are; others have no warm-up."""
    if "mtdeep_config" not in model_arguments(state):
        return None
    with in_file(path):
        return unfinished_warm_up(model_config(state), Provenance.of(state).updates)
