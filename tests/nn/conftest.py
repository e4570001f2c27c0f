"""Small models and batches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mtdeep.nn import Config, EncoderDecoder

sys.path.insert(0, str(Path(__file__).parent))
PAD = 1
SMALL = Config(
    scheme="deepnorm",
    source_vocabulary_size=40,
    target_vocabulary_size=50,
    encoder_layers=3,
    decoder_layers=2,
    embed_dim=16,
    encoder_ffn_dim=24,
    decoder_ffn_dim=32,
    encoder_heads=4,
    decoder_heads=2,
    dropout=0.0,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(7)


@pytest.fixture
def small() -> Config:
    return SMALL


@pytest.fixture
def build() -> Callable[..., EncoderDecoder]:
    """Return a maker of models in float64: SMALL with some fields changed."""

    def make(**changes: object) -> EncoderDecoder:
        model = EncoderDecoder(replace(SMALL, **changes)).double()
        # Biases and normalisations start at 0 and 1, where many mistakes do not show.
        for parameter in model.parameters():
            if parameter.dim() == 1:
                torch.nn.init.normal_(parameter.data, mean=float(parameter.data.mean()), std=0.1)
        return model

    return make


@pytest.fixture
def tokens() -> Callable[[int, int], Tensor]:
    """Return a maker of (rows, length) random tokens, none of them padding."""
    return lambda rows, length: torch.randint(4, 40, (rows, length))
