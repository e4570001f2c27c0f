"""Small models with batches of made-up sentences, to be examined; the modules beside the tests can be imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mtdeep.nn import build_model
from mtdeep.probe import made_up_batches
from mtdeep.probe.use.text import Text

sys.path.insert(0, str(Path(__file__).parent))

MakeText = Callable[..., Text]
STACKS = {"both": {}, "decoder alone": {"encoder_layers": 0}, "encoder alone": {"decoder_layers": 0}}


def away_from_the_start(model: nn.Module) -> None:
    """Move every parameter a little: ReZero's branches are 0 at first, and biases and gains are alike."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)


@pytest.fixture(scope="session")
def text(candidate) -> MakeText:
    """Return a maker of a float64 model with two batches: (scheme, stacks="both", layers=3, as_it_starts=False)."""

    def make(scheme: str, stacks: str = "both", *, layers: int = 3, as_it_starts: bool = False) -> Text:
        config = replace(candidate(scheme, 2 * layers, 16).config, **STACKS[stacks])
        torch.manual_seed(1)
        model = build_model(config)
        if not as_it_starts:
            away_from_the_start(model)
        batches = made_up_batches(config, 2, tokens=80, seed=1)
        if stacks == "encoder alone":
            batches = [batch.masked(config, number) for number, batch in enumerate(batches)]
        return Text(model.double(), batches)

    return make
