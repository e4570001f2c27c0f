"""The loss that is read off at each depth: the states there, finished as the stack finishes its own, in its place.

Of the stack that the output projection reads, this is the logit lens. Of an encoder that a decoder reads, the decoder
is given them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtdeep.nn import EncoderDecoder
from mtdeep.nn.cache import EncoderOutput
from mtdeep.nn.residual import Stream
from mtdeep.probe.use.text import Text, streams

TOP = 5


@dataclass(frozen=True)
class Reading:
    """What is read off at a depth, mean over the tokens: nll and divergence in nats, overlap between 0 and 1.

    divergence: KL of the model's own distribution of the next token from the one that is read off. overlap: share of
    the model's five likeliest tokens that are among the five likeliest there (DepthBench's definitions).
    """

    depth: int
    nll: float
    divergence: float
    overlap: float


def readings(
    text: Text, stack: str, layers: Sequence[int], advance: Callable[[], None] = lambda: None
) -> list[Reading]:
    """Read off at the embeddings, depth 0, and behind some layers of a stack, counted from 1."""
    depths = [0, *layers]
    sums = torch.zeros(len(depths), 3, dtype=torch.float64)
    for number, batch in enumerate(text.batches):
        predicted = batch.target.ne(text.model.config.padding_idx)
        own = _log_probabilities(text, text.features(number, stack)[predicted])
        for row, stream in enumerate(streams(text, number, stack, layers)):
            states = _features(text, number, stack, stream)
            sums[row, 0] += text.nll_of(number, states)
            there = _log_probabilities(text, states[predicted])
            sums[row, 1] += torch.nn.functional.kl_div(there, own, reduction="sum", log_target=True).item()
            sums[row, 2] += _overlap(there, own)
            advance()
    return [Reading(depth, *row) for depth, row in zip(depths, (sums / text.tokens).tolist(), strict=True)]


@torch.no_grad()
def _features(text: Text, number: int, stack: str, stream: Stream) -> Tensor:
    """Return what the output projection reads, (B, T, D), where the stack's output is made from this stream."""
    module = text.model.stacks[stack]
    states = module.residual.finish(stream, module.layer_norm)
    if not isinstance(text.model, EncoderDecoder) or stack == "decoder":
        return states
    return text.model.decoder(text.batches[number].previous, EncoderOutput(states, text.encoded[number].padding_mask))


@torch.no_grad()
def _log_probabilities(text: Text, states: Tensor) -> Tensor:
    """Return those of the next token, (tokens, V), of states (tokens, D)."""
    return torch.log_softmax(text.model.output_projection(states), dim=-1)


def _overlap(a: Tensor, b: Tensor) -> float:
    """Return the share of common tokens among the likeliest of each, summed over rows, of (tokens, V) each."""
    top_a, top_b = (x.topk(min(TOP, x.size(1)), dim=1).indices for x in (a, b))
    return (top_a[:, :, None] == top_b[:, None, :]).any(2).double().mean(1).sum().item()
