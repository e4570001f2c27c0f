"""Small models to be probed, and a network with neither skips nor normalisation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mtdeep.nn import EncoderDecoder
from mtdeep.nn.residual import Branch, Residual
from mtdeep.probe import Measurement, Settings, made_up_batches, measure, swept
from mtdeep.probe.candidates import Candidate

Probe = Callable[..., Measurement]


class Bare(Residual):
    """x <- f(x)."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        return branch(x)

    def finish(self, x: Tensor, norm: Branch) -> Tensor:
        return x


def make_bare(model: EncoderDecoder) -> EncoderDecoder:
    for stack in (model.encoder, model.decoder):
        stack.residual = Bare()
        for layer in stack.layers:
            layer.residuals = dict.fromkeys(layer.residuals, Bare())
    return model


@pytest.fixture(scope="session")
def without_skips() -> Callable[[EncoderDecoder], EncoderDecoder]:
    """Return what takes skips and normalisations from a model."""
    return make_bare


@pytest.fixture(scope="session")
def candidate() -> Callable[..., Candidate]:
    """Return a maker of swept candidates: (scheme, total depth, width=32)."""

    def make(scheme: str, depth: int, width: int = 32) -> Candidate:
        return swept([scheme], [depth], width=width, vocabulary_size=128)[0]

    return make


@pytest.fixture(scope="session")
def probed(candidate) -> Probe:
    """Return a measurer: (scheme, total depth, bare=False, width=32, settings...), each computed once a session."""
    known: dict[object, Measurement] = {}

    def run(scheme: str, depth: int, *, bare: bool = False, width: int = 32, **changes: object) -> Measurement:
        key = (scheme, depth, bare, width, *sorted(changes.items()))
        if key not in known:
            settings = Settings(**{"steps": 10, "batch_tokens": 256, **changes})  # type: ignore[arg-type]
            chosen = candidate(scheme, depth, width)
            model = chosen.build(settings.seed)
            batches = made_up_batches(
                chosen.config, settings.steps + 1, tokens=settings.batch_tokens, seed=settings.seed
            )
            torch.set_num_threads(1)
            known[key] = measure(make_bare(model) if bare else model, batches, settings)
        return known[key]

    return run
