"""A model for a checkpoint is its tensors and nothing else; `tests/nn` builds every architecture in a fresh process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint import Checkpoint, Provenance
from mtdeep.nn import Config, EncoderDecoder, LanguageModel

Make = Callable[..., Config]
SHARING = ("share_all_embeddings", "share_decoder_input_output_embed")


def of(model: torch.nn.Module, config: Config, dtype: torch.dtype = torch.float32) -> Checkpoint:
    tensors = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    return Checkpoint(Path("checkpoint.pt"), config, tensors, Provenance())


def test_nothing_is_drawn(tiny_config: Make) -> None:
    config = tiny_config(20, encoder_positions="learned", decoder_positions="learned")
    checkpoint = of(EncoderDecoder(config), config)
    before = torch.get_rng_state()
    model = checkpoint.model()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.device.type == "cpu" and p.requires_grad for p in model.parameters())


def test_a_later_change_of_the_tensors_is_not_the_models(tiny_config: Make) -> None:
    """They may be mapped from a file that is replaced."""
    config = tiny_config(20)
    checkpoint = of(EncoderDecoder(config), config)
    model = checkpoint.model()
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for tensor in checkpoint.tensors.values():
        tensor.fill_(7)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, kept[name])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_become_float32_in_order(tiny_config: Make, dtype: torch.dtype) -> None:
    """A matrix that was saved by columns is laid out by rows, as a model's own is."""
    config = tiny_config(20)
    checkpoint = of(EncoderDecoder(config), config, dtype)
    name = "encoder.layers.0.fc1.weight"
    checkpoint.tensors[name] = checkpoint.tensors[name].T.contiguous().T
    found = checkpoint.model().state_dict()
    assert found[name].is_contiguous()
    for name, tensor in found.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, checkpoint.tensors[name].float())


@pytest.mark.parametrize("sharing", SHARING)
def test_what_is_shared_is_trained_as_one(tiny_config: Make, sharing: str) -> None:
    config = tiny_config(20, scheme="rezero", encoder_layers=0, **{sharing: True})
    built = of(LanguageModel(config), config).model()
    assert built.output_projection.weight is built.stacks["decoder"].embed_tokens.weight
    fresh = LanguageModel(config)
    assert [name for name, _ in built.named_parameters()] == [name for name, _ in fresh.named_parameters()]
