"""The text that a trained model is examined on, and its loss there while something in the model is changed.

Shapes: B sentences, S source positions, T target positions, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtdeep.nn import EncoderDecoder, Model
from mtdeep.nn.cache import EncoderOutput
from mtdeep.nn.residual import Stream
from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.hooks import Hooks
from mtdeep.probe.objective import features, loss_of, read_tokens


class Text:
    """A model in evaluation mode, its batches, and what its encoder makes of each while nothing is changed.

    A stack is named by the one in which something is changed: as long as that is the decoder, the encoder is not run.
    """

    def __init__(self, model: Model, batches: Sequence[ProbeBatch]) -> None:
        self.model = model.eval()
        self.batches = batches
        self.encoded = encoded_sources(model, batches) if isinstance(model, EncoderDecoder) else []

    @property
    def tokens(self) -> int:
        """Number of tokens whose loss is taken."""
        return sum(int(batch.target.ne(self.model.config.padding_idx).sum()) for batch in self.batches)

    def real(self, stack: str) -> list[Tensor]:
        """Return for each batch where the stack reads real tokens, (B, S) or (B, T)."""
        return [read_tokens(stack, batch).ne(self.model.config.padding_idx) for batch in self.batches]

    @torch.no_grad()
    def features(self, number: int, changed: str) -> Tensor:
        """Return what the output projection reads, (B, T, D), of the batch of this number."""
        batch = self.batches[number]
        if isinstance(self.model, EncoderDecoder) and changed == "decoder":
            return self.model.decoder(batch.previous, self.encoded[number])
        return features(self.model, batch)

    def nll(self, number: int, changed: str) -> float:
        """Return the loss of the batch of this number, in nats, summed over its tokens."""
        return self.nll_of(number, self.features(number, changed))

    @torch.no_grad()
    def nll_of(self, number: int, states: Tensor) -> float:
        """Return the loss of states (B, T, D) in the place of the batch's features."""
        loss = loss_of(self.model, states, self.batches[number])
        return loss.nll * loss.tokens

    def loss(self, changed: str) -> float:
        """Return the loss in nats per token."""
        return sum(self.nll(number, changed) for number in range(len(self.batches))) / self.tokens


@torch.no_grad()
def encoded_sources(model: EncoderDecoder, batches: Sequence[ProbeBatch]) -> list[EncoderOutput]:
    """Return what the encoder makes of the source of each batch."""
    return [model.encoder(batch.source) for batch in batches]


def streams(text: Text, number: int, stack: str, layers: Sequence[int]) -> list[Stream]:
    """Return what flows in a stack: what the lowest layer reads, and behind some layers, counted from 1 upwards."""
    modules = text.model.stacks[stack].layers
    parts: list[Stream] = []
    with Hooks() as hooks:
        hooks.before(modules[0], lambda module, inputs: parts.append(inputs[0]))
        for layer in layers:
            hooks.after(modules[layer - 1], lambda module, inputs, output: parts.append(output))
        text.features(number, stack)
    return parts
