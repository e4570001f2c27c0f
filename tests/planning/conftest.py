"""Trains a small model for two updates under torch's profiler, which says what its tensors took."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from mtdeep.nn import Config, EncoderDecoder, linear_cross_entropy
from mtdeep.planning import Batch

Measure = Callable[[Config, Batch, bool], int]


@pytest.fixture(scope="session")
def profiled_peak() -> Measure:
    """Return the peak of tensor bytes: (config, batch, under autocast to bfloat16)."""

    def measure(config: Config, batch: Batch, autocast: bool) -> int:
        # Whatever is alive when the profiler starts is none of the training's: it makes all of its tensors itself.
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            train(config, batch, autocast)
        live = peak = 0
        for event in profiler.profiler.kineto_results.events():
            if event.name() == "[memory]":
                live += event.nbytes()
                peak = max(peak, live)
        assert live == 0, "the profiler has missed a tensor's beginning or end"
        return peak

    return measure


def train(config: Config, batch: Batch, autocast: bool) -> None:
    model = EncoderDecoder(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    source = torch.randint(4, config.source_vocabulary_size, (batch.sentences, batch.length))
    source[-1, -3:] = config.padding_idx
    target = source.clone()
    for _ in range(2):
        optimizer.zero_grad()
        loss(model, source, target, autocast).backward()
        optimizer.step()


def loss(model: EncoderDecoder, source: torch.Tensor, target: torch.Tensor, autocast: bool) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        features = model(source, target).flatten(0, 1)
        weight = model.decoder.output_projection.weight
        summed, _ = linear_cross_entropy(features, weight, target.flatten(), label_smoothing=0.1, padding_idx=1)
    return summed
