"""What a training of rates.py, depth.py or transfer.py is: all that differs from one to another."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Literal

from mtdeep.nn import Config
from mtdeep.nn.config import SchemeName
from mtdeep.nn.depth import completep

Parts = Literal["all", "matrices", "norms", "matrices and biases"]


@dataclass(frozen=True, kw_only=True)
class Control:
    """What is trained. Rates are Adam's; a stack's factor multiplies the rate of its layers' parameters."""

    scheme: SchemeName = "deepnorm"
    layers: int = 18
    """In each stack."""
    width: int = 64
    """Of the stream; feed-forward is twice as wide, a head 16."""
    rate: float = 2e-3
    warm_up: int = 50
    """Updates of linear warm-up."""
    decay: bool = False
    """The rate falls as the inverse square root of the updates after the warm-up."""
    encoder: float = 1.0
    """Factor on the encoder's layers."""
    decoder: float = 1.0
    """Factor on the decoder's layers."""
    tuned_depth: int = 0
    """CompleteP's layers a stack for which the rate was chosen; 0: neither branches nor epsilon depend on depth."""
    parts: Parts = "all"
    """Which of a stack's parameters have its factor; biases are those of matrices, norms have weight and bias."""
    until: int | None = None
    """Updates after which the factors are 1."""
    rise: int | None = None
    """Updates after which the factors, which rise linearly from the end of the warm-up on, are 1."""
    encoder_warm_up: int | None = None
    """The encoder's layers' own warm-up, where it is longer."""
    frequency_bias: bool = False
    """The output has a bias, which starts at the log frequencies of the targets' tokens."""
    centred_gradient: bool = False
    """The mean over tokens is taken out of the gradient at the encoder's output."""
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    batches: int = 1
    """Batches an update."""
    tokens: int = 1250
    """At most, in a batch, on its longer side."""
    dropout: float = 0.0
    directions: str = "en-de"
    seed: int = 1

    @property
    def arguments(self) -> str:
        """As JSON, without what is as usual."""
        return json.dumps({name: value for name, value in asdict(self).items() if value != _DEFAULTS[name]})

    def config(self, vocabulary: int, padding: int) -> Config:
        """Return the model."""
        return Config(
            scheme=self.scheme,
            source_vocabulary_size=vocabulary,
            target_vocabulary_size=vocabulary,
            padding_idx=padding,
            encoder_layers=self.layers,
            decoder_layers=self.layers,
            embed_dim=self.width,
            encoder_ffn_dim=2 * self.width,
            decoder_ffn_dim=2 * self.width,
            encoder_heads=max(1, self.width // 16),
            decoder_heads=max(1, self.width // 16),
            dropout=self.dropout,
            share_all_embeddings=True,
            tuned_depth=self.tuned_depth,
        )

    def epsilon_of(self, stack: str | None) -> float:
        """Return Adam's epsilon of parameters of a stack's layers, or of none."""
        scaled = stack is not None and self.tuned_depth > 0
        return self.epsilon * completep(self.layers, self.tuned_depth) if scaled else self.epsilon

    def rate_of(self, stack: str | None, update: int) -> float:
        """Return the rate of update 1, 2, ... of parameters that have the factor of *stack*, or none."""
        rate = self.rate * min(1.0, update / self.warm_up)
        if self.decay and update > self.warm_up:
            rate *= math.sqrt(self.warm_up / update)
        if stack is None:
            return rate
        if stack == "encoder" and self.encoder_warm_up is not None:
            rate *= min(1.0, (update / self.encoder_warm_up) / min(1.0, update / self.warm_up))
        return rate * self._factor(self.encoder if stack == "encoder" else self.decoder, update)

    def _factor(self, factor: float, update: int) -> float:
        if self.until is not None and update > self.until:
            return 1.0
        if self.rise is not None and update > self.warm_up:
            return factor + (1 - factor) * min(1.0, (update - self.warm_up) / (self.rise - self.warm_up))
        return factor


_DEFAULTS = {field.name: field.default for field in fields(Control)}
