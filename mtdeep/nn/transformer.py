"""Encoder and decoder.

Parameters carry fairseq's names, so that checkpoints pass both ways. Everything is batch first.
Shapes: B rows, S source positions, T target positions, D width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import repeat
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mtdeep.nn.branch_warm_up import BranchWarmUp
from mtdeep.nn.cache import DecoderCache, EncoderOutput, TeacherForcing
from mtdeep.nn.config import Config, StackName
from mtdeep.nn.dropout import dropout
from mtdeep.nn.initialise import initialise
from mtdeep.nn.layers import DecoderLayer, EncoderLayer
from mtdeep.nn.linear import Linear
from mtdeep.nn.positions import build_positions
from mtdeep.nn.roles import Role
from mtdeep.nn.rotary import Rotary, leave
from mtdeep.nn.scheme import SCHEMES
from mtdeep.nn.visibility import ALL_KEYS, Visibility


class Stack(nn.Module):
    """What encoder and decoder have in common: embeddings, layers, and the scheme's way through them."""

    layer_class: ClassVar[type[EncoderLayer | DecoderLayer]]
    output_projection: Linear  # of the last stack alone
    roles: ClassVar[Mapping[str, Role]] = {
        "embed_tokens": Role.EMBEDDING,
        "embed_positions": Role.POSITION,
        "layer_norm": Role.NORM,
        "output_projection": Role.VOCABULARY,
    }

    def __init__(self, config: Config, name: StackName, embed_tokens: nn.Embedding) -> None:
        # By name: a subclass may have a second base, whose constructor takes other arguments.
        nn.Module.__init__(self)
        scheme = SCHEMES[config.scheme](config, name)
        sizes = config.of_stack(name)
        rotate = Rotary(config.embed_dim // sizes.heads) if sizes.positions == "rotary" else leave
        self.config = config
        self.residual = scheme.residual
        self.visible = scheme.visible
        self.embed_scale = math.sqrt(config.embed_dim) if config.scale_embedding else 1.0
        self.embed_tokens = embed_tokens
        self.embed_positions = build_positions(
            sizes.positions, sizes.max_positions, config.embed_dim, config.padding_idx
        )
        self.layers = nn.ModuleList(
            self.layer_class(config, scheme.residual, scheme.layer(number), rotate)
            for number in range(1, sizes.layers + 1)
        )
        self.layer_norm = scheme.final_norm(config.embed_dim)
        self.branch_warm_up = (
            None if config.branch_warm_up is None else BranchWarmUp(config.branch_warm_up, sizes.layers)
        )

    def set_num_updates(self, num_updates: int) -> None:
        """Say how many updates the weights have had, on which a warm-up of the branches depends."""
        if self.branch_warm_up is not None:
            self.branch_warm_up.set_num_updates(num_updates)

    def _embed(self, tokens: Tensor, padding_mask: Tensor | None, start: int = 0) -> Tensor:
        x = self.embed_positions(self.embed_scale * self.embed_tokens(tokens), padding_mask, start)
        return dropout(x, self.config.dropout, self.training)

    def _output_projection(self, vocabulary_size: int) -> Linear:
        projection = Linear(self.config.embed_dim, vocabulary_size, bias=False)
        if self.config.ties_output_projection:
            projection.weight = self.embed_tokens.weight
        return projection

    def _run(self, x: Tensor, besides: Iterable[object]) -> Tensor:
        """Run all layers over x (B, T, D), each given the next of `besides`; return the stack's output (B, T, D)."""
        recompute = self.config.checkpoint_activations and self.training
        stream = self.residual.start(x)
        for layer, *beside in zip(self.layers, besides, self._factors(x)):
            stream = checkpoint(layer, stream, *beside, use_reentrant=False) if recompute else layer(stream, *beside)
        return self.residual.finish(stream, self.layer_norm)

    def _factors(self, x: Tensor) -> Iterable[Tensor | None]:
        """Return the factor of each layer's branches for the embeddings x (B, T, D); None is 1."""
        return repeat(None) if self.branch_warm_up is None else self.branch_warm_up.factors(x)


class Encoder(Stack):
    """Embeds source tokens and runs N layers over them; without a decoder, it has an output projection."""

    layer_class = EncoderLayer

    def __init__(self, config: Config, embed_tokens: nn.Embedding) -> None:
        Stack.__init__(self, config, "encoder", embed_tokens)
        if config.decoder_layers == 0:
            self.output_projection = self._output_projection(config.source_vocabulary_size)
        initialise(self)

    def forward(self, src_tokens: Tensor) -> EncoderOutput:
        """Encode src_tokens (B, S), padded on either side."""
        padding_mask = _padding_mask(src_tokens, self.config.padding_idx)
        x = self._embed(src_tokens, padding_mask)
        return EncoderOutput(self._run(x, self.visible(Visibility.of_padding(padding_mask), x)), padding_mask)


class Decoder(Stack):
    """Embeds target tokens and runs M layers over them and over the encoder's output; without one, a language model."""

    layer_class = DecoderLayer

    def __init__(self, config: Config, embed_tokens: nn.Embedding) -> None:
        Stack.__init__(self, config, "decoder", embed_tokens)
        self.output_projection = self._output_projection(config.target_vocabulary_size)
        initialise(self)

    def forward(
        self, prev_output_tokens: Tensor, encoder_output: EncoderOutput | None, cache: DecoderCache | None = None
    ) -> Tensor:
        """Return features (B, T, D); `output_projection(features)` are the logits (B, T, V).

        Without a cache, prev_output_tokens (B, T) are whole sentences, padded on the right: the causal mask alone
        keeps padding out of every real position. With a cache they are only the new tokens, one or more for each of
        its rows, none of them padding, and encoder_output is not looked at: the cache has it. A language model is
        given no encoder_output.
        """
        start = 0 if cache is None else cache.length
        # Right padding follows every real token, so the n-th column is position n and no mask is needed.
        x = self._embed(prev_output_tokens, None, start)
        if cache is None:
            assert encoder_output is not None or not self.config.encoder_layers, "the decoder reads an encoder's output"
            return self._run(x, repeat(TeacherForcing.of(encoder_output)))
        cache.begin(x.size(1))
        stream = self.residual.start(x)
        for index, (layer, factor) in enumerate(zip(self.layers, self._factors(x))):
            stream = layer(stream, cache.layer(index), factor)
        cache.end()
        return self.residual.finish(stream, self.layer_norm)

    def with_cross_attention(
        self, prev_output_tokens: Tensor, encoder_output: EncoderOutput, layer: int
    ) -> tuple[Tensor, Tensor]:
        """Return the features (B, T, D) of whole sentences, and what cross-attention looks at in one layer, from 0.

        These are its weights (B, T, S) in float32, averaged over the heads. Fused attention never shows them: they are
        computed a second time, and handed out through the call, so that passes in other threads do not see them.
        """
        weights: list[Tensor] = []
        memory = TeacherForcing.of(encoder_output)
        asked = replace(memory, cross_weights=weights)
        memories = (asked if number == layer else memory for number in range(len(self.layers)))
        features = self._run(self._embed(prev_output_tokens, None), memories)
        (attention,) = weights
        return features, attention

    def new_cache(self, encoder_output: EncoderOutput, rows_per_sentence: int = 1) -> DecoderCache:
        """Return an empty cache for rows_per_sentence hypotheses of each encoded sentence, side by side.

        Every layer's keys and values of the source are projected here, once for each sentence.
        """
        layers = cast("Iterable[DecoderLayer]", self.layers)
        projected = [torch.stack(layer.encoder_attn.keys_values(encoder_output.states)) for layer in layers]
        visible = Visibility.of_padding(encoder_output.padding_mask)
        return DecoderCache(torch.stack(projected), visible, rows_per_sentence)

    def new_source_free_cache(self, rows: int) -> DecoderCache:
        """Return an empty cache for `rows` texts of a language model."""
        # Projected from nothing, so that under autocast it has the type in which keys and values will come.
        layer = cast("DecoderLayer", self.layers[0])
        keys, _ = layer.self_attn.keys_values(self.embed_tokens.weight.new_empty(rows, 0, self.config.embed_dim))
        return DecoderCache(keys.new_empty(len(self.layers), 2, *keys.shape), ALL_KEYS, 1)


def _padding_mask(tokens: Tensor, padding_idx: int) -> Tensor | None:
    """Return (B, S), True at padding, or None when there is none, which lets attention run without a mask."""
    padding = tokens.eq(padding_idx)
    return padding if bool(padding.any()) else None
