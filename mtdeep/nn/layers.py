"""The one encoder layer and the one decoder layer. What a scheme changes is handed to them.

Shapes: B rows, T positions, D width of the stream, S source positions, G sentences (G = B except when several
hypotheses share a sentence), H heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from mtdeep.nn.attention import CROSS_ATTENTION_ROLES, SELF_ATTENTION_ROLES, MultiHeadAttention
from mtdeep.nn.cache import LayerMemory
from mtdeep.nn.config import Config
from mtdeep.nn.dropout import dropout
from mtdeep.nn.feed_forward import FeedForward
from mtdeep.nn.residual import Residual, Stream
from mtdeep.nn.roles import Role
from mtdeep.nn.scheme import LayerScheme


class _Layer(FeedForward):
    """What either layer has: self-attention and feed-forward, whose branches `_dropout` closes."""

    roles: ClassVar[Mapping[str, Role]] = {
        **FeedForward.roles,
        "self_attn_layer_norm": Role.NORM,
        "final_layer_norm": Role.NORM,
    }

    def __init__(
        self, config: Config, residual: Residual, scheme: LayerScheme, *, ffn_dim: int, heads: int
    ) -> None:
        super().__init__(
            config.embed_dim,
            ffn_dim,
            activation=config.activation,
            activation_dropout=config.activation_dropout,
            inner_norm=scheme.inner_norm(ffn_dim),
        )
        self.gains = scheme.gains
        self.residual = residual
        self.dropout = config.dropout
        self.self_attn = MultiHeadAttention(
            config.embed_dim,
            heads,
            dropout=config.attention_dropout,
            roles=SELF_ATTENTION_ROLES,
            inner_norm=scheme.inner_norm(config.embed_dim),
        )
        self.self_attn_layer_norm = scheme.norm(config.embed_dim)

    def _dropout(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, self.training)


class EncoderLayer(_Layer):
    """Self-attention, then feed-forward, each joined to the stream by the scheme's residual."""

    def __init__(self, config: Config, residual: Residual, scheme: LayerScheme) -> None:
        super().__init__(config, residual, scheme, ffn_dim=config.encoder_ffn_dim, heads=config.encoder_heads)
        self.final_layer_norm = scheme.norm(config.embed_dim)

    def forward(self, x: Stream, mask: Tensor | None) -> Stream:
        """Map the scheme's stream over (B, T, D) to the next; mask is (B, 1, 1, T), True at real tokens, or None."""

        def self_attention(x: Tensor) -> Tensor:
            return self._dropout(self.self_attn(x, *self.self_attn.keys_values(x), mask=mask))

        x = self.residual(x, self_attention, self.self_attn_layer_norm)
        return self.residual(x, lambda x: self._dropout(self.feed_forward(x)), self.final_layer_norm)


class DecoderLayer(_Layer):
    """Self-attention, cross-attention, then feed-forward, each joined to the stream by the scheme's residual."""

    roles: ClassVar[Mapping[str, Role]] = {**_Layer.roles, "encoder_attn_layer_norm": Role.NORM}

    def __init__(self, config: Config, residual: Residual, scheme: LayerScheme) -> None:
        super().__init__(config, residual, scheme, ffn_dim=config.decoder_ffn_dim, heads=config.decoder_heads)
        # Sub-LN has no inner normalisation in cross-attention (arXiv 2210.06423, Figure 1).
        self.encoder_attn = MultiHeadAttention(
            config.embed_dim,
            config.decoder_heads,
            dropout=config.attention_dropout,
            roles=CROSS_ATTENTION_ROLES,
            inner_norm=nn.Identity(),
        )
        self.encoder_attn_layer_norm = scheme.norm(config.embed_dim)
        self.final_layer_norm = scheme.norm(config.embed_dim)

    def forward(self, x: Stream, memory: LayerMemory) -> Stream:
        """Map the scheme's stream over (B, T, D) to the next, with the keys and values that `memory` has or keeps."""

        def self_attention(x: Tensor) -> Tensor:
            keys, values = memory.self_keys_values(*self.self_attn.keys_values(x))
            return self._dropout(self.self_attn(x, keys, values, mask=memory.self_mask, causal=memory.causal))

        def cross_attention(x: Tensor) -> Tensor:
            keys, values = memory.cross_keys_values(self.encoder_attn.keys_values)
            # The hypotheses of a sentence stand side by side as more queries to one set of keys: (G, R T, D).
            queries = x.reshape(keys.size(0), -1, x.size(2))
            return self._dropout(self.encoder_attn(queries, keys, values, mask=memory.cross_mask).view_as(x))

        x = self.residual(x, self_attention, self.self_attn_layer_norm)
        x = self.residual(x, cross_attention, self.encoder_attn_layer_norm)
        return self.residual(x, lambda x: self._dropout(self.feed_forward(x)), self.final_layer_norm)
