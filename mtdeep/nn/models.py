"""The models: encoder-decoder, decoder alone, encoder alone.

Shapes: B rows, S source positions, T target positions, D width, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mtdeep.nn.config import Config
from mtdeep.nn.initialise import Report, initialisation_report
from mtdeep.nn.linear import Embedding
from mtdeep.nn.transformer import Decoder, Encoder, Stack


class Model(nn.Module, ABC):
    """One stack or two, the last of which ends in the output projection."""

    def __init__(self, config: Config, **stacks: Stack) -> None:
        super().__init__()
        self.config = config
        self.num_updates = 0
        for name, stack in stacks.items():
            self.add_module(name, stack)

    def set_num_updates(self, num_updates: int) -> None:
        """Say how many updates the weights have had, on which a warm-up of the branches depends; at first it is 0."""
        self.num_updates = num_updates
        for stack in self.stacks.values():
            stack.set_num_updates(num_updates)

    @property
    def initialisation(self) -> Report:
        """The report of how each parameter started."""
        return initialisation_report(self)

    @property
    def stacks(self) -> dict[str, Stack]:
        """The stacks that there are, in the order in which the signal passes them."""
        names = ("encoder", "decoder")
        return {name: stack for name in names if isinstance(stack := getattr(self, name, None), Stack)}

    @property
    def output_projection(self) -> nn.Linear:
        """From the features to the logits."""
        return [*self.stacks.values()][-1].output_projection

    @abstractmethod
    def features(self, source: Tensor, previous: Tensor) -> Tensor:
        """Return what the output projection reads, for the tokens of a pair; a stack on its own reads only its side.

        source (B, S), padded on either side; previous (B, T), padded on the right; returns (B, T, D), or (B, S, D)
        without a decoder.
        """


class EncoderDecoder(Model):
    """The translation model."""

    encoder: Encoder
    decoder: Decoder

    def __init__(self, config: Config) -> None:
        source, target = token_embeddings(config)
        super().__init__(config, encoder=Encoder(config, source), decoder=Decoder(config, target))

    def forward(self, src_tokens: Tensor, prev_output_tokens: Tensor) -> Tensor:
        """Return the decoder's features (B, T, D) for src_tokens (B, S) and right-padded prev_output_tokens (B, T).

        The vocabulary is left to `loss.linear_cross_entropy`, or to `decoder.output_projection`.
        """
        return self.decoder(prev_output_tokens, self.encoder(src_tokens))

    def features(self, source: Tensor, previous: Tensor) -> Tensor:
        """Read both sides."""
        return self(source, previous)


class LanguageModel(Model):
    """A decoder that reads no encoder."""

    decoder: Decoder

    def __init__(self, config: Config) -> None:
        super().__init__(config, decoder=Decoder(config, token_embeddings(config)[1]))

    def forward(self, prev_output_tokens: Tensor) -> Tensor:
        """Return features (B, T, D) for right-padded prev_output_tokens (B, T)."""
        return self.decoder(prev_output_tokens, None)

    def features(self, source: Tensor, previous: Tensor) -> Tensor:
        """Read the target side."""
        return self(previous)


class MaskedLanguageModel(Model):
    """An encoder that no decoder reads; its `output_projection` tells the tokens that are masked."""

    encoder: Encoder

    def __init__(self, config: Config) -> None:
        super().__init__(config, encoder=Encoder(config, token_embeddings(config)[0]))

    def forward(self, src_tokens: Tensor) -> Tensor:
        """Return states (B, S, D) for src_tokens (B, S), padded on either side."""
        return self.encoder(src_tokens).states

    def features(self, source: Tensor, previous: Tensor) -> Tensor:
        """Read the source side."""
        return self(source)


def build_model(config: Config) -> Model:
    """Return the model that has the stacks of the configuration."""
    if config.encoder_layers == 0:
        return LanguageModel(config)
    return EncoderDecoder(config) if config.decoder_layers else MaskedLanguageModel(config)


def token_embeddings(config: Config) -> tuple[nn.Embedding, nn.Embedding]:
    """Return the source and the target table, one and the same if all are shared; the stacks initialise them."""
    source = Embedding(config.source_vocabulary_size, config.embed_dim, config.padding_idx)
    if config.share_all_embeddings:
        return source, source
    return source, Embedding(config.target_vocabulary_size, config.embed_dim, config.padding_idx)
