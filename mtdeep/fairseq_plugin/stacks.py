"""The stacks of ``mtdeep.nn`` in fairseq's clothes: its calling conventions around them.

Inside, tensors are batch-first; fairseq hands encoder states around as (time, batch, dim), so the adapters transpose
at the border, which copies nothing.

During beam search fairseq repeats encoder states once a beam and reorders them at every step. Here a beam only refers
to its sentence (``rows``); states, and the cross-attention keys and values made from them, exist once a sentence.
"""

from __future__ import annotations

from typing import Any

import torch
from fairseq.data import Dictionary
from fairseq.models import FairseqEncoder, FairseqIncrementalDecoder
from torch import Tensor, nn

from mtdeep.fairseq_plugin.kept_dropout import KeepsDropout
from mtdeep.nn import Config, Decoder, DecoderCache, Encoder, EncoderOutput
from mtdeep.nn.alignment import default_alignment_layer

EncoderOut = dict[str, list[Tensor]]
DecoderOut = tuple[Tensor, dict[str, list[Tensor | None]]]
CACHE = "mtdeep.decoder_cache"


class FairseqDeepEncoder(KeepsDropout, Encoder, FairseqEncoder):
    """Encoder stack with fairseq's call and output."""

    def __init__(self, config: Config, embed_tokens: nn.Embedding, dictionary: Dictionary) -> None:
        Encoder.__init__(self, config, embed_tokens)
        self.dictionary = dictionary

    def forward(  # type: ignore[override]  # fairseq's call
        self, src_tokens: Tensor, src_lengths: Tensor | None = None
    ) -> EncoderOut:
        """Encode (batch, time) tokens; states come back as (time, batch, dim)."""
        output = Encoder.forward(self, src_tokens)
        return {
            "encoder_out": [output.states.transpose(0, 1)],
            "encoder_padding_mask": [] if output.padding_mask is None else [output.padding_mask],
            "rows": [],
        }

    def reorder_encoder_out(self, encoder_out: EncoderOut, new_order: Tensor) -> EncoderOut:
        """Let row i refer to the sentence of the former row ``new_order[i]``; the states stay where they are."""
        rows = encoder_out["rows"][0].index_select(0, new_order) if encoder_out["rows"] else new_order
        return {**encoder_out, "rows": [rows]}

    def max_positions(self) -> int:
        """Longest source, in tokens."""
        return self.config.max_source_positions


class FairseqDeepDecoder(KeepsDropout, Decoder, FairseqIncrementalDecoder):
    """Decoder stack with fairseq's call, output and incremental state.

    alignment_layer: the layer, from 0, whose cross-attention passes without incremental state return, or None.
    """

    def __init__(self, config: Config, embed_tokens: nn.Embedding, dictionary: Dictionary) -> None:
        Decoder.__init__(self, config, embed_tokens)
        self.dictionary = dictionary
        self.onnx_trace = False
        self.adaptive_softmax = None
        self.alignment_layer: int | None = None

    def make_generation_fast_(self, *, need_attn: object = False, **options: Any) -> None:
        """Return attention from now on if fairseq's options ask for alignments (*need_attn*)."""
        super().make_generation_fast_(**options)
        if need_attn and self.config.encoder_layers:
            self.alignment_layer = default_alignment_layer(self.config.decoder_layers)

    def forward(  # type: ignore[override]  # fairseq's call
        self,
        prev_output_tokens: Tensor,
        encoder_out: EncoderOut | None = None,
        incremental_state: dict[str, DecoderCache] | None = None,
        features_only: bool = False,
        alignment_layer: int | None = None,
    ) -> DecoderOut:
        """Decode (batch, time) tokens into logits, or features, of (batch, time, ...); a language model has no encoder.

        With *incremental_state*, tokens that the cache has seen are skipped, as fairseq passes the whole prefix.
        Without it, attention (batch, time, source time) of *alignment_layer*, averaged over its heads, comes beside.
        """
        attention: Tensor | None = None
        if incremental_state is None:
            encoded = None if encoder_out is None else self._per_row(encoder_out)
            layer = self.alignment_layer if alignment_layer is None else alignment_layer
            if layer is None or encoded is None:
                features = Decoder.forward(self, prev_output_tokens, encoded)
            else:
                features, attention = self.with_cross_attention(prev_output_tokens, encoded, layer)
        else:
            if CACHE not in incremental_state:
                incremental_state[CACHE] = (
                    self._start_cache(encoder_out)
                    if encoder_out is not None
                    else self.new_source_free_cache(prev_output_tokens.size(0))
                )
            cache = incremental_state[CACHE]
            features = Decoder.forward(self, prev_output_tokens[:, cache.length :], None, cache)
        x = features if features_only else self.output_layer(features)
        return x, {"attn": [attention]}

    def output_layer(self, features: Tensor) -> Tensor:
        """Logits over the target vocabulary."""
        logits: Tensor = self.output_projection(features)
        return logits

    def reorder_incremental_state_scripting(
        self, incremental_state: dict[str, DecoderCache], new_order: Tensor
    ) -> None:
        """Continue row i from the former row ``new_order[i]``."""
        incremental_state[CACHE].reorder(new_order)

    def max_positions(self) -> int:
        """Longest target, in tokens."""
        return self.config.max_target_positions

    def _start_cache(self, encoder_out: EncoderOut) -> DecoderCache:
        output = sentences(encoder_out)
        rows_per_sentence = 1
        if encoder_out["rows"]:
            rows = encoder_out["rows"][0]
            rows_per_sentence = len(rows) // len(output.states)
            expected = torch.arange(len(output.states), device=rows.device).repeat_interleave(rows_per_sentence)
            if not torch.equal(rows, expected):  # a search that does not start with equal groups of beams
                output, rows_per_sentence = select(output, rows), 1
        return self.new_cache(output, rows_per_sentence)

    @staticmethod
    def _per_row(encoder_out: EncoderOut) -> EncoderOutput:
        output = sentences(encoder_out)
        return select(output, encoder_out["rows"][0]) if encoder_out["rows"] else output


def sentences(encoder_out: EncoderOut) -> EncoderOutput:
    """Return the encoder's states, once a sentence, in the form of ``mtdeep.nn``."""
    mask = encoder_out["encoder_padding_mask"]
    return EncoderOutput(encoder_out["encoder_out"][0].transpose(0, 1), mask[0] if mask else None)


def select(output: EncoderOutput, rows: Tensor) -> EncoderOutput:
    """Return the states of the sentences that *rows* names, repeated as it repeats them."""
    mask = output.padding_mask
    return EncoderOutput(output.states.index_select(0, rows), None if mask is None else mask.index_select(0, rows))
