"""Where a decoder layer finds keys and values: computed on the spot (training), or kept between steps (decoding).

Shapes: L layers, B rows (hypotheses), G sentences, R = B / G rows of each sentence, H heads, T new positions,
S source positions, P positions already decoded, hd width of a head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from mtdeep.nn.visibility import ALL_KEYS, UP_TO_THE_QUERY, Visibility

KeysValues = tuple[Tensor, Tensor]
_FIRST_CAPACITY = 32


class EncoderOutput(NamedTuple):
    """What a decoder reads: states (B, S, D) and padding_mask (B, S), True at padding, or None without padding."""

    states: Tensor
    padding_mask: Tensor | None


class LayerMemory(Protocol):
    """What one decoder layer is given besides the stream."""

    @property
    def start(self) -> int:
        """Position of the first of the new tokens, P."""

    @property
    def self_visible(self) -> Visibility:
        """What self-attention sees."""

    @property
    def cross_visible(self) -> Visibility:
        """What cross-attention sees: every real source token."""

    @property
    def cross_weights(self) -> list[Tensor] | None:
        """Where the layer puts its cross-attention's weights (B, T, S), averaged over the heads; None for nowhere."""

    def self_keys_values(self, keys: Tensor, values: Tensor) -> KeysValues:
        """Return the keys and values to attend to, given those (B, H, T, hd) of the new positions."""

    def cross_keys_values(self, project: Callable[[Tensor], KeysValues]) -> KeysValues:
        """Return the source's keys and values (G, H, S, hd); `project` makes them from encoder states."""


@dataclass(frozen=True)
class TeacherForcing:
    """All target positions at once. Every layer is given the same, but for where to put its weights.

    The causal mask alone is enough: decoder inputs are padded on the right, where no real position looks.
    """

    encoder_states: Tensor | None
    cross_visible: Visibility = ALL_KEYS
    self_visible: Visibility = UP_TO_THE_QUERY
    start: int = 0
    cross_weights: list[Tensor] | None = None

    @classmethod
    def of(cls, encoder_output: EncoderOutput | None) -> TeacherForcing:
        """Return what every layer is given; a language model reads no encoder's output."""
        if encoder_output is None:
            return cls(None)
        return cls(encoder_output.states, Visibility.of_padding(encoder_output.padding_mask))

    def self_keys_values(self, keys: Tensor, values: Tensor) -> KeysValues:
        """Return what was given."""
        return keys, values

    def cross_keys_values(self, project: Callable[[Tensor], KeysValues]) -> KeysValues:
        """Project the encoder states."""
        assert self.encoder_states is not None, "a language model's layer does not ask"
        return project(self.encoder_states)


class DecoderCache:
    """Keys and values of all decoder layers between the steps of incremental decoding.

    Self-attention's lie in one growing tensor (L, 2, B, H, capacity, hd), so that following the surviving hypotheses
    is one gather; cross-attention's are kept once for each sentence, (L, 2, G, H, S, hd), and never copied for the
    hypotheses. Row b belongs to sentence b // R. A language model's layers ask for no cross-attention; S is 0 then.
    No gradient flows through a cache.
    """

    def __init__(self, cross: Tensor, cross_visible: Visibility, rows_per_sentence: int) -> None:
        if rows_per_sentence < 1:
            raise ValueError(f"rows_per_sentence {rows_per_sentence} is below one")
        layers, _, sentences, heads, _, head_dim = cross.shape
        self.cross = cross.detach()
        self.cross_visible = cross_visible
        self.rows_per_sentence = rows_per_sentence
        self.length = 0
        # The second tensor is what a gather writes into: fresh memory for each step would cost more than the copy.
        self._self = self.cross.new_empty(layers, 2, sentences * rows_per_sentence, heads, _FIRST_CAPACITY, head_dim)
        self._spare: Tensor | None = None
        self._new = 0
        self._self_visible = ALL_KEYS

    @property
    def sentences(self) -> int:
        """Number of source sentences G."""
        return self.cross.size(2)

    @property
    def rows(self) -> int:
        """Number of hypotheses B = G R."""
        return self._self.size(2)

    def begin(self, positions: int) -> None:
        """Make room for `positions` new positions; the layers write them, and `end` makes them count."""
        needed = self.length + positions
        if needed > self._self.size(4):
            self._grow(max(needed, 2 * self._self.size(4)))
        self._new = positions
        if positions == 1:
            self._self_visible = ALL_KEYS
        elif self.length == 0:
            self._self_visible = UP_TO_THE_QUERY
        else:
            block = torch.ones(positions, needed, dtype=torch.bool, device=self._self.device)
            self._self_visible = Visibility(block.tril(diagonal=self.length))

    def end(self) -> None:
        """Count the positions that the layers have written since `begin`."""
        self.length += self._new
        self._new = 0

    def layer(self, index: int) -> CachedLayer:
        """Return the memory of decoder layer `index` for the step that `begin` opened."""
        return CachedLayer(
            store=self._self[index],
            cross=self.cross[index],
            cross_visible=self.cross_visible,
            self_visible=self._self_visible,
            start=self.length,
        )

    def reorder(self, rows: Tensor) -> None:
        """Let row i go on with what row rows[i] has decoded; rows is (B',) with B' a multiple of R.

        Each run of R rows must come from one sentence. Sentences may be left out (or change places); their
        cross-attention follows.
        Raises ValueError when a run mixes sentences.
        """
        groups = rows.view(-1, self.rows_per_sentence) // self.rows_per_sentence
        sentences = groups[:, 0]
        if not torch.equal(groups, sentences[:, None].expand_as(groups)):
            raise ValueError(f"each {self.rows_per_sentence} rows in turn must come from one sentence")
        if not torch.equal(sentences, torch.arange(self.sentences, device=rows.device)):
            self.cross = self.cross.index_select(2, sentences)
            self.cross_visible = self.cross_visible.of_rows(sentences)
        self._gather(rows)

    def _gather(self, rows: Tensor) -> None:
        shape = (*self._self.shape[:2], rows.numel(), *self._self.shape[3:])
        if self._spare is None or self._spare.shape != shape:
            self._spare = self._self.new_empty(shape)
        used = slice(0, self.length)
        torch.index_select(self._self[..., used, :], 2, rows, out=self._spare[..., used, :])
        self._self, self._spare = self._spare, self._self

    def _grow(self, capacity: int) -> None:
        larger = self._self.new_empty(*self._self.shape[:4], capacity, self._self.size(5))
        larger[..., : self.length, :] = self._self[..., : self.length, :]
        self._self, self._spare = larger, None


@dataclass(frozen=True)
class CachedLayer:
    """One layer's part of a `DecoderCache` during one step."""

    store: Tensor
    cross: Tensor
    cross_visible: Visibility
    self_visible: Visibility
    start: int
    cross_weights: None = None

    def self_keys_values(self, keys: Tensor, values: Tensor) -> KeysValues:
        """Store the new keys and values (B, H, T, hd); return all so far (B, H, P + T, hd)."""
        end = self.start + keys.size(2)
        self.store[0, :, :, self.start : end] = keys.detach()
        self.store[1, :, :, self.start : end] = values.detach()
        return self.store[0, :, :, :end], self.store[1, :, :, :end]

    def cross_keys_values(self, project: Callable[[Tensor], KeysValues]) -> KeysValues:
        """Return what was projected when the cache was made."""
        return self.cross[0], self.cross[1]
