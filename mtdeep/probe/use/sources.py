"""Another sentence's source in the cross-attention of one decoder layer, while all others read the own.

Cost of layer m: the loss when cross-attention of layer m alone reads the encoder's states, and heeds the padding, of
another sentence of the same direction, minus the loss with the own source everywhere. Over the sentences that have
another one of their direction (`ProbeBatch.with_another_source`); in nats per token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from torch import nn

from mtdeep.nn import EncoderDecoder
from mtdeep.probe.use.interventions import reading
from mtdeep.probe.use.text import Text, encoded_sources


@dataclass(frozen=True)
class Sources:
    """sentences: how many have another source; nll: their loss with their own.

    costs: of each of the layers; together: when all layers of the stack read the other one.
    """

    sentences: int
    nll: float
    layers: list[int]
    costs: list[float]
    together: float


def sources(text: Text, layers: Sequence[int], advance: Callable[[], None] = lambda: None) -> Sources | None:
    """Replace the source in some decoder layers, counted from 1, each alone; None where there is no other source."""
    model = text.model
    assert isinstance(model, EncoderDecoder), "a stack on its own reads no source"
    pairs = [pair for batch in text.batches if (pair := batch.with_another_source()) is not None]
    if not pairs:
        return None
    own = Text(model, [batch for batch, _ in pairs])
    others = encoded_sources(model, [batch for _, batch in pairs])
    modules = list(model.decoder.layers)

    def loss(changed: Iterable[nn.Module]) -> float:
        nll = 0.0
        for number, encoded in enumerate(others):
            with reading(changed, encoded):
                nll += own.nll(number, "decoder")
        advance()
        return nll / own.tokens

    nll = loss(())
    costs = [loss([modules[layer - 1]]) - nll for layer in layers]
    sentences = sum(len(batch.source) for batch in own.batches)
    return Sources(sentences, nll, [*layers], costs, loss(modules) - nll)
