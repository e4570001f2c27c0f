"""The one encoder layer and the one decoder layer. What a scheme changes is handed to them.

Shapes: B rows, T positions, D width of the stream, S source positions, G sentences (G = B except when several
hypotheses share a sentence), H heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from mtdeep.nn.activations import activation_of
from mtdeep.nn.attention import CROSS_ATTENTION_ROLES, SELF_ATTENTION_ROLES, MultiHeadAttention
from mtdeep.nn.cache import LayerMemory
from mtdeep.nn.config import Config, StackSizes
from mtdeep.nn.dropout import dropout
from mtdeep.nn.feed_forward import FeedForward
from mtdeep.nn.residual import Residual, Stream, weighted
from mtdeep.nn.roles import Role
from mtdeep.nn.rotary import Rotate
from mtdeep.nn.scheme import Join, LayerScheme
from mtdeep.nn.visibility import Visibility


class _Layer(FeedForward):
    """What either layer has: self-attention and feed-forward, whose branches `_dropout` closes."""

    roles: ClassVar[Mapping[str, Role]] = {
        **FeedForward.roles,
        "self_attn_layer_norm": Role.NORM,
        "final_layer_norm": Role.NORM,
    }

    def __init__(
        self, config: Config, residual: Residual, scheme: LayerScheme, rotate: Rotate, sizes: StackSizes
    ) -> None:
        super().__init__(
            config.embed_dim,
            sizes.ffn_dim,
            activation=activation_of(config),
            activation_dropout=config.activation_dropout,
            inner_norm=scheme.inner_norm(sizes.ffn_dim),
        )
        self.matrices = scheme.matrices
        self.residual = residual
        self.dropout = config.dropout
        self.self_attn = MultiHeadAttention(
            config.embed_dim,
            sizes.heads,
            dropout=config.attention_dropout,
            roles=SELF_ATTENTION_ROLES,
            attend=scheme.attend,
            rotate=rotate,
            inner_norm=scheme.inner_norm(config.embed_dim),
        )
        self.self_attn_layer_norm = scheme.norm(config.embed_dim)

    def _dropout(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, self.training)


class EncoderLayer(_Layer):
    """Self-attention, then feed-forward, each joined to the stream by the scheme's residual."""

    def __init__(self, config: Config, residual: Residual, scheme: LayerScheme, rotate: Rotate) -> None:
        super().__init__(config, residual, scheme, rotate, config.of_stack("encoder"))
        self.final_layer_norm = scheme.norm(config.embed_dim)

    def forward(self, x: Stream, visible: Visibility, factor: Tensor | None = None) -> Stream:
        """Map the scheme's stream over (B, T, D) to the next; visible are the real tokens, factor the branches'."""
        residual = weighted(self.residual, factor)

        def self_attention(x: Tensor) -> Tensor:
            return self._dropout(self.self_attn(x, *self.self_attn.keys_values(x), visible))

        x = residual(x, self_attention, self.self_attn_layer_norm)
        return residual(x, lambda x: self._dropout(self.feed_forward(x)), self.final_layer_norm)


class DecoderLayer(_Layer):
    """Self-attention, cross-attention, then feed-forward, each joined to the stream by the scheme's residual.

    A language model's layer has no cross-attention.
    """

    roles: ClassVar[Mapping[str, Role]] = {**_Layer.roles, "encoder_attn_layer_norm": Role.NORM}

    def __init__(self, config: Config, residual: Residual, scheme: LayerScheme, rotate: Rotate) -> None:
        super().__init__(config, residual, scheme, rotate, config.of_stack("decoder"))
        self.reads_encoder = config.encoder_layers > 0
        self.cross_residual, cross_norm = scheme.cross or Join(residual, scheme.norm)
        if self.reads_encoder:
            # Sub-LN has no inner normalisation in cross-attention (arXiv 2210.06423, Figure 1).
            self.encoder_attn = MultiHeadAttention(
                config.embed_dim,
                config.decoder_heads,
                dropout=config.attention_dropout,
                roles=CROSS_ATTENTION_ROLES,
                inner_norm=nn.Identity(),
            )
            self.encoder_attn_layer_norm = cross_norm(config.embed_dim)
        self.final_layer_norm = scheme.norm(config.embed_dim)

    def forward(self, x: Stream, memory: LayerMemory, factor: Tensor | None = None) -> Stream:
        """Map the scheme's stream over (B, T, D) to the next, with the keys and values that `memory` has or keeps.

        factor: that of all branches, as in the encoder.
        """
        residual, cross_residual = weighted(self.residual, factor), weighted(self.cross_residual, factor)

        def self_attention(x: Tensor) -> Tensor:
            keys, values = memory.self_keys_values(*self.self_attn.keys_values(x, memory.start))
            return self._dropout(self.self_attn(x, keys, values, memory.self_visible, memory.start))

        def cross_attention(x: Tensor) -> Tensor:
            keys, values = memory.cross_keys_values(self.encoder_attn.keys_values)
            # The hypotheses of a sentence stand side by side as more queries to one set of keys: (G, R T, D).
            queries = x.reshape(keys.size(0), -1, x.size(2))
            if memory.cross_weights is not None:
                memory.cross_weights.append(self.encoder_attn.weights(queries, keys, memory.cross_visible).mean(dim=1))
            return self._dropout(self.encoder_attn(queries, keys, values, memory.cross_visible).view_as(x))

        x = residual(x, self_attention, self.self_attn_layer_norm)
        if self.reads_encoder:
            x = cross_residual(x, cross_attention, self.encoder_attn_layer_norm)
        return residual(x, lambda x: self._dropout(self.feed_forward(x)), self.final_layer_norm)
