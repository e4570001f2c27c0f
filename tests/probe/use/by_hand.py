"""An encoder-decoder in plain torch, from the papers' equations, on the tensors of a model of ours.

Nothing of ours is in it but the names of the tensors. Branches are named "encoder 1 self_attn", "decoder 2 fc", ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

HEADS, PADDING = 1, 1


@dataclass
class ByHand:
    """Post-LN with alpha on the stream (DeepNorm), or Pre-LN where alpha is None.

    zeros: branches that give zeros; other_source: decoder layers whose cross-attention reads `others` and their mask;
    states: of every branch, what is there before it joins and after.
    """

    tensors: Mapping[str, Tensor]
    layers: int
    alphas: tuple[float, float] | None
    zeros: frozenset[str] = frozenset()
    other_source: frozenset[int] = frozenset()
    states: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def loss(self, source: Tensor, previous: Tensor, target: Tensor, others: Tensor | None = None) -> Tensor:
        """Return the negative log-likelihood of every token that is no padding."""
        encoded, mask = self.encode(source), source.ne(PADDING)
        other = (encoded, mask) if others is None else (self.encode(others), others.ne(PADDING))
        x = self.embed("decoder", previous)
        steps = previous.size(1)
        causal = torch.ones(steps, steps, dtype=torch.bool).tril()[None]
        for layer in range(1, self.layers + 1):
            read, seen = other if layer in self.other_source else (encoded, mask)
            x = self.join("decoder", layer, "self_attn", x, lambda y: (y, causal))
            x = self.join("decoder", layer, "encoder_attn", x, lambda y, read=read, seen=seen: (read, seen[:, None]))
            x = self.join("decoder", layer, "fc", x, None)
        logits = self.finish("decoder", x) @ self.tensors["decoder.output_projection.weight"].T
        predicted = target.ne(PADDING)
        return -torch.log_softmax(logits, -1).gather(2, target[:, :, None])[:, :, 0][predicted]

    def encode(self, source: Tensor) -> Tensor:
        x, seen = self.embed("encoder", source), source.ne(PADDING)[:, None]
        for layer in range(1, self.layers + 1):
            x = self.join("encoder", layer, "self_attn", x, lambda y: (y, seen))
            x = self.join("encoder", layer, "fc", x, None)
        return self.finish("encoder", x)

    def embed(self, stack: str, tokens: Tensor) -> Tensor:
        table = self.tensors[f"{stack}.embed_tokens.weight"]
        width = table.size(1)
        position = tokens.ne(PADDING).cumsum(1) * tokens.ne(PADDING) + PADDING
        frequency = torch.exp(torch.arange(width // 2, dtype=torch.float64) * -math.log(10000) / (width // 2 - 1))
        angle = position[:, :, None] * frequency
        sinusoids = torch.cat([angle.sin(), angle.cos()], dim=2) * position.ne(PADDING)[:, :, None]
        return math.sqrt(width) * table[tokens] + sinusoids

    def join(
        self, stack: str, layer: int, name: str, x: Tensor, reads: Callable[[Tensor], tuple[Tensor, Tensor]] | None
    ) -> Tensor:
        prefix = f"{stack}.layers.{layer - 1}."
        norm = f"{prefix}{'final' if name == 'fc' else name}_layer_norm"

        def branch(y: Tensor) -> Tensor:
            if reads is None:
                output = self.linear(f"{prefix}fc2", self.linear(f"{prefix}fc1", y).relu())
            else:
                keys, seen = reads(y)
                output = self.attend(f"{prefix}{name}", y, keys, seen)
            return torch.zeros_like(output) if f"{stack} {layer} {name}" in self.zeros else output

        if self.alphas is None:
            joined = x + branch(self.norm(norm, x))
        else:
            joined = self.norm(norm, self.alphas[stack == "decoder"] * x + branch(x))
        self.states[f"{stack} {layer} {name}"] = (x, joined)
        return joined

    def attend(self, name: str, x: Tensor, keys: Tensor, seen: Tensor) -> Tensor:
        q, k, v = (self.linear(f"{name}.{p}_proj", y) for p, y in (("q", x), ("k", keys), ("v", keys)))
        scores = (q @ k.transpose(1, 2) / math.sqrt(q.size(2))).masked_fill(~seen, -math.inf)
        return self.linear(f"{name}.out_proj", scores.softmax(-1) @ v)

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    def norm(self, name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return scaled * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]

    def finish(self, stack: str, x: Tensor) -> Tensor:
        return self.norm(f"{stack}.layer_norm", x) if self.alphas is None else x
