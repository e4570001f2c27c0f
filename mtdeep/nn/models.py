"""The models: encoder-decoder, decoder alone, encoder alone.

Shapes: B rows, S source positions, T target positions, D width, V vocabulary.
"""

from __future__ import annotations

from torch import Tensor, nn

from mtdeep.nn.config import Config
from mtdeep.nn.initialise import initialisation_report
from mtdeep.nn.linear import Embedding
from mtdeep.nn.transformer import Decoder, Encoder


class EncoderDecoder(nn.Module):
    """The translation model. `initialisation` is the report of how each parameter started."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        source, target = token_embeddings(config)
        self.encoder = Encoder(config, source)
        self.decoder = Decoder(config, target)
        self.initialisation = initialisation_report(self)

    def forward(self, src_tokens: Tensor, prev_output_tokens: Tensor) -> Tensor:
        """Return the decoder's features (B, T, D) for src_tokens (B, S) and right-padded prev_output_tokens (B, T).

        The vocabulary is left to `loss.linear_cross_entropy`, or to `decoder.output_projection`.
        """
        return self.decoder(prev_output_tokens, self.encoder(src_tokens))


class LanguageModel(nn.Module):
    """A decoder that reads no encoder."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.decoder = Decoder(config, token_embeddings(config)[1])
        self.initialisation = initialisation_report(self)

    def forward(self, prev_output_tokens: Tensor) -> Tensor:
        """Return features (B, T, D) for right-padded prev_output_tokens (B, T)."""
        return self.decoder(prev_output_tokens, None)


class MaskedLanguageModel(nn.Module):
    """An encoder that no decoder reads; its `output_projection` tells the tokens that are masked."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, token_embeddings(config)[0])
        self.initialisation = initialisation_report(self)

    def forward(self, src_tokens: Tensor) -> Tensor:
        """Return states (B, S, D) for src_tokens (B, S), padded on either side."""
        return self.encoder(src_tokens).states


Model = EncoderDecoder | LanguageModel | MaskedLanguageModel


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
