"""(Config, tensors) -> a model ready to decode."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mtdeep.errors import UserError
from mtdeep.nn import models
from mtdeep.nn.config import Config

SOURCE_EMBEDDINGS = "encoder.embed_tokens.weight"
TARGET_EMBEDDINGS = "decoder.embed_tokens.weight"
OUTPUT = "decoder.output_projection.weight"
MASKED_OUTPUT = "encoder.output_projection.weight"
OLD_OUTPUT = "decoder.embed_out"  # before fairseq 0.9
SHOWN = 8


def model_of(config: Config, tensors: Mapping[str, Tensor]) -> models.Model:
    """Return the model in evaluation mode, float32, on the CPU; its tensors are copies.

    Raises UserError as `check_tensors` does.
    """
    model, tensors = _fitting(config, tensors)
    model.load_state_dict(_parameters(model, tensors), strict=True, assign=True)
    return model.eval()


def check_tensors(config: Config, tensors: Mapping[str, Tensor]) -> None:
    """Raise UserError that lists every tensor that is missing, left over, or of another shape; no memory is taken."""
    _fitting(config, tensors)


def _fitting(config: Config, tensors: Mapping[str, Tensor]) -> tuple[models.Model, dict[str, Tensor]]:
    """Return the model as shapes without memory, and the tensors under all the names that it has."""
    with torch.device("meta"):  # nothing is drawn that the checkpoint would replace
        model = models.build_model(config)
    expected = {name: tensor.shape for name, tensor in model.state_dict().items()}
    tensors = with_tied_names(config, tensors)
    problems = [
        _listing("missing", sorted(expected.keys() - tensors.keys())),
        _listing("unexpected", sorted(tensors.keys() - expected.keys())),
        _listing(
            "of another shape",
            [
                f"{name} {tuple(tensors[name].shape)} instead of {tuple(shape)}"
                for name, shape in expected.items()
                if name in tensors and tensors[name].shape != shape
            ],
        ),
    ]
    if any(problems):
        raise UserError(f"its tensors do not fit its configuration: {'; '.join(filter(None, problems))}.")
    return model, tensors


def with_tied_names(config: Config, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give a shared matrix under each of its names; older fairseq wrote it under one.

    Raises UserError when the names hold different values, as then the checkpoint is not of a shared matrix.
    """
    tensors = dict(tensors)
    if OLD_OUTPUT in tensors:
        tensors.setdefault(OUTPUT, tensors.pop(OLD_OUTPUT))
    names: tuple[str, ...] = ()
    if config.ties_output_projection and config.decoder_layers == 0:
        names = (SOURCE_EMBEDDINGS, MASKED_OUTPUT)
    elif config.share_all_embeddings and config.encoder_layers:
        names = (SOURCE_EMBEDDINGS, TARGET_EMBEDDINGS, OUTPUT)
    elif config.ties_output_projection:
        names = (TARGET_EMBEDDINGS, OUTPUT)
    present = [name for name in names if name in tensors]
    for name in present[1:]:
        if not torch.equal(tensors[name], tensors[present[0]]):
            raise UserError(f"shares {present[0]} and {name}, but their values differ.")
    for name in names if present else ():
        tensors[name] = tensors[present[0]]
    return tensors


def _parameters(model: models.Model, tensors: Mapping[str, Tensor]) -> dict[str, nn.Parameter]:
    """Return copies of the tensors to take the place of a model's parameters; what the model shares stays shared.

    Copies, as the tensors may be mapped from a file that a training is about to replace.
    """
    copies: dict[nn.Parameter, nn.Parameter] = {}
    named = dict(model.named_parameters(remove_duplicate=False))
    for name, place in named.items():
        if place not in copies:
            copied = tensors[name].to(place.dtype, copy=True, memory_format=torch.contiguous_format)
            copies[place] = nn.Parameter(copied)
    return {name: copies[place] for name, place in named.items()}


def _listing(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} {what} ({', '.join(names[:SHOWN])}{more})"
