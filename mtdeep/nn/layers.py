"""The one encoder layer and the one decoder layer. What a scheme changes is handed to them.

Shapes: B rows, T positions, D width of the stream, S source positions, G sentences (G = B except when several
hypotheses share a sentence), H heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, get_args

from torch import Tensor, nn

from mtdeep.nn.activations import activation_of
from mtdeep.nn.attention import CROSS_ATTENTION_ROLES, SELF_ATTENTION_ROLES, MultiHeadAttention
from mtdeep.nn.cache import LayerMemory
from mtdeep.nn.config import Config, StackSizes
from mtdeep.nn.dropout import dropout
from mtdeep.nn.feed_forward import FeedForward
from mtdeep.nn.parts import BranchName, Join, LayerScheme
from mtdeep.nn.residual import Branch, Residual, Stream, weighted
from mtdeep.nn.roles import Role
from mtdeep.nn.rotary import Rotate
from mtdeep.nn.visibility import Visibility

NORM, POST_NORM = "{}_layer_norm", "{}_post_layer_norm"
"""A branch's normalisations, by its name: fairseq's, and ours for the second one of schemes that have two."""


class _Layer(FeedForward):
    """What either layer has: self-attention and feed-forward, whose branches `_dropout` closes and `_join` joins."""

    roles: ClassVar[Mapping[str, Role]] = {
        **FeedForward.roles,
        **{norm.format(branch): Role.NORM for branch in get_args(BranchName) for norm in (NORM, POST_NORM)},
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
        self.residuals: dict[BranchName, Residual] = {}
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
        self._add_join("self_attn", scheme.join("self_attn", residual), config.embed_dim)

    def _dropout(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout, self.training)

    def _add_join(self, name: BranchName, join: Join, dim: int) -> None:
        self.residuals[name] = join.residual
        self.add_module(NORM.format(name), join.norm(dim))
        self.add_module(POST_NORM.format(name), join.post_norm(dim))

    def _join(self, x: Stream, name: BranchName, branch: Branch, factor: Tensor | None) -> Stream:
        norms = getattr(self, NORM.format(name)), getattr(self, POST_NORM.format(name))
        return weighted(self.residuals[name], factor)(x, branch, *norms)


class EncoderLayer(_Layer):
    """Self-attention, then feed-forward, each joined to the stream by the scheme's residual."""

    def __init__(self, config: Config, residual: Residual, scheme: LayerScheme, rotate: Rotate) -> None:
        super().__init__(config, residual, scheme, rotate, config.of_stack("encoder"))
        self._add_join("final", scheme.join("final", residual), config.embed_dim)

    def forward(self, x: Stream, visible: Visibility, factor: Tensor | None = None) -> Stream:
        """Map the scheme's stream over (B, T, D) to the next; visible are the real tokens, factor the branches'."""

        def self_attention(x: Tensor) -> Tensor:
            return self._dropout(self.self_attn(x, *self.self_attn.keys_values(x), visible))

        x = self._join(x, "self_attn", self_attention, factor)
        return self._join(x, "final", lambda x: self._dropout(self.feed_forward(x)), factor)


class DecoderLayer(_Layer):
    """Self-attention, cross-attention, then feed-forward, each joined to the stream by the scheme's residual.

    A language model's layer has no cross-attention.
    """

    def __init__(self, config: Config, residual: Residual, scheme: LayerScheme, rotate: Rotate) -> None:
        super().__init__(config, residual, scheme, rotate, config.of_stack("decoder"))
        self.reads_encoder = config.encoder_layers > 0
        if self.reads_encoder:
            # Sub-LN has no inner normalisation in cross-attention (arXiv 2210.06423, Figure 1).
            self.encoder_attn = MultiHeadAttention(
                config.embed_dim,
                config.decoder_heads,
                dropout=config.attention_dropout,
                roles=CROSS_ATTENTION_ROLES,
                inner_norm=nn.Identity(),
            )
            self._add_join("encoder_attn", scheme.join("encoder_attn", residual), config.embed_dim)
        self._add_join("final", scheme.join("final", residual), config.embed_dim)

    def forward(self, x: Stream, memory: LayerMemory, factor: Tensor | None = None) -> Stream:
        """Map the scheme's stream over (B, T, D) to the next, with the keys and values that `memory` has or keeps.

        factor: that of all branches, as in the encoder.
        """

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

        x = self._join(x, "self_attn", self_attention, factor)
        if self.reads_encoder:
            x = self._join(x, "encoder_attn", cross_attention, factor)
        return self._join(x, "final", lambda x: self._dropout(self.feed_forward(x)), factor)
