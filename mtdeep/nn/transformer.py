"""Encoder, decoder, and the two together.

Parameters carry fairseq's names, so that checkpoints pass both ways. Everything is batch first.
Shapes: B rows, S source positions, T target positions, D width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mtdeep.nn.cache import DecoderCache, TeacherForcing
from mtdeep.nn.config import Config
from mtdeep.nn.dropout import dropout
from mtdeep.nn.initialise import initialisation_report, initialise
from mtdeep.nn.layers import DecoderLayer, EncoderLayer
from mtdeep.nn.linear import Embedding, Linear
from mtdeep.nn.positions import build_positions
from mtdeep.nn.roles import Role
from mtdeep.nn.scheme import SCHEMES, StackScheme


class EncoderOutput(NamedTuple):
    """What a decoder reads: states (B, S, D) and padding_mask (B, S), True at padding, or None without padding."""

    states: Tensor
    padding_mask: Tensor | None


class Stack(nn.Module):
    """What encoder and decoder have in common: embeddings, layers, and the scheme's way through them."""

    roles: ClassVar[Mapping[str, Role]] = {
        "embed_tokens": Role.EMBEDDING,
        "embed_positions": Role.POSITION,
        "layer_norm": Role.NORM,
    }

    def __init__(
        self,
        config: Config,
        scheme: StackScheme,
        embed_tokens: nn.Embedding,
        embed_positions: nn.Module,
        layers: Iterable[nn.Module],
    ) -> None:
        # By name: a subclass may have a second base, whose constructor takes other arguments.
        nn.Module.__init__(self)
        self.config = config
        self.residual = scheme.residual
        self.embed_scale = math.sqrt(config.embed_dim) if config.scale_embedding else 1.0
        self.embed_tokens = embed_tokens
        self.embed_positions = embed_positions
        self.layers = nn.ModuleList(layers)
        self.layer_norm = scheme.final_norm(config.embed_dim)

    def _embed(self, tokens: Tensor, padding_mask: Tensor | None, start: int = 0) -> Tensor:
        x = self.embed_positions(self.embed_scale * self.embed_tokens(tokens), padding_mask, start)
        return dropout(x, self.config.dropout, self.training)

    def _run(self, x: Tensor, beside: object) -> Tensor:
        """Run all layers over x (B, T, D), each given `beside` too, and return the stack's output (B, T, D)."""
        recompute = self.config.checkpoint_activations and self.training
        stream = self.residual.start(x)
        for layer in self.layers:
            stream = checkpoint(layer, stream, beside, use_reentrant=False) if recompute else layer(stream, beside)
        return self.residual.finish(stream, self.layer_norm)


class Encoder(Stack):
    """Embeds source tokens and runs N layers over them."""

    def __init__(self, config: Config, embed_tokens: nn.Embedding) -> None:
        scheme = SCHEMES[config.scheme](config).encoder
        positions = build_positions(
            config.encoder_positions, config.max_source_positions, config.embed_dim, config.padding_idx
        )
        numbers = range(1, config.encoder_layers + 1)
        layers = (EncoderLayer(config, scheme.residual, scheme.layer(number)) for number in numbers)
        Stack.__init__(self, config, scheme, embed_tokens, positions, layers)
        initialise(self)

    def forward(self, src_tokens: Tensor) -> EncoderOutput:
        """Encode src_tokens (B, S), padded on either side."""
        padding_mask = _padding_mask(src_tokens, self.config.padding_idx)
        x = self._embed(src_tokens, padding_mask)
        return EncoderOutput(self._run(x, _attention_mask(padding_mask)), padding_mask)


class Decoder(Stack):
    """Embeds target tokens and runs M layers over them and over the encoder's output."""

    roles: ClassVar[Mapping[str, Role]] = {**Stack.roles, "output_projection": Role.VOCABULARY}

    def __init__(self, config: Config, embed_tokens: nn.Embedding) -> None:
        scheme = SCHEMES[config.scheme](config).decoder
        positions = build_positions(
            config.decoder_positions, config.max_target_positions, config.embed_dim, config.padding_idx
        )
        numbers = range(1, config.decoder_layers + 1)
        layers = (DecoderLayer(config, scheme.residual, scheme.layer(number)) for number in numbers)
        Stack.__init__(self, config, scheme, embed_tokens, positions, layers)
        self.output_projection = Linear(config.embed_dim, config.target_vocabulary_size, bias=False)
        if config.ties_output_projection:
            self.output_projection.weight = embed_tokens.weight
        initialise(self)

    def forward(
        self, prev_output_tokens: Tensor, encoder_output: EncoderOutput | None, cache: DecoderCache | None = None
    ) -> Tensor:
        """Return features (B, T, D); `output_projection(features)` are the logits (B, T, V).

        Without a cache, prev_output_tokens (B, T) are whole sentences, padded on the right: the causal mask alone
        keeps padding out of every real position. With a cache they are only the new tokens, one or more for each of
        its rows, none of them padding, and encoder_output is not looked at: the cache has it.
        """
        start = 0 if cache is None else cache.length
        # Right padding follows every real token, so the n-th column is position n and no mask is needed.
        x = self._embed(prev_output_tokens, None, start)
        if cache is None:
            assert encoder_output is not None, "without a cache, the decoder needs the encoder's output"
            mask = _attention_mask(encoder_output.padding_mask)
            return self._run(x, TeacherForcing(encoder_output.states, mask))
        cache.begin(x.size(1))
        stream = self.residual.start(x)
        for index, layer in enumerate(self.layers):
            stream = layer(stream, cache.layer(index))
        cache.end()
        return self.residual.finish(stream, self.layer_norm)

    def new_cache(self, encoder_output: EncoderOutput, rows_per_sentence: int = 1) -> DecoderCache:
        """Return an empty cache for rows_per_sentence hypotheses of each encoded sentence, side by side.

        Every layer's keys and values of the source are projected here, once for each sentence.
        """
        layers = cast("Iterable[DecoderLayer]", self.layers)
        projected = [torch.stack(layer.encoder_attn.keys_values(encoder_output.states)) for layer in layers]
        mask = _attention_mask(encoder_output.padding_mask)
        return DecoderCache(torch.stack(projected), mask, rows_per_sentence)


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


def token_embeddings(config: Config) -> tuple[nn.Embedding, nn.Embedding]:
    """Return the source and the target table, one and the same if all are shared; the stacks initialise them."""
    source = Embedding(config.source_vocabulary_size, config.embed_dim, config.padding_idx)
    if config.share_all_embeddings:
        return source, source
    return source, Embedding(config.target_vocabulary_size, config.embed_dim, config.padding_idx)


def _padding_mask(tokens: Tensor, padding_idx: int) -> Tensor | None:
    """Return (B, S), True at padding, or None when there is none, which lets attention run without a mask."""
    padding = tokens.eq(padding_idx)
    return padding if bool(padding.any()) else None


def _attention_mask(padding_mask: Tensor | None) -> Tensor | None:
    """Turn padding (B, S), True at padding, into what attention wants: (B, 1, 1, S), True at real tokens."""
    return None if padding_mask is None else ~padding_mask[:, None, None, :]
