"""Probes of parts of models and of what becomes of their output."""

from __future__ import annotations

import warnings

import torch
from fairseq.models.transformer import TransformerConfig
from fairseq.modules.dynamic_crf_layer import DynamicCRF
from fairseq.modules.multihead_attention import MultiheadAttention
from fairseq.modules.transformer_layer import TransformerEncoderLayerBase
from fairseq.ngram_repeat_block import NGramRepeatBlock


def encoder_fast_path() -> None:
    layer = TransformerEncoderLayerBase(TransformerConfig())
    names = {name.split(".")[0] for name, _ in layer.named_parameters()}
    fresh = TransformerEncoderLayerBase(TransformerConfig())
    fresh.load_state_dict(layer.state_dict())
    x = torch.randn(5, 2, 512)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    with torch.no_grad():
        expected, loaded = layer.eval()(x, None), fresh.eval()(x, None)
        fresh(x, padding)
    assert torch.equal(expected, loaded)
    assert names == {"self_attn", "self_attn_layer_norm", "fc1", "fc2", "final_layer_norm"}


def attention_masks() -> None:
    """Over a row with padding, as torch has it from the two masks."""
    torch.manual_seed(1)
    attention = MultiheadAttention(4, 2, self_attention=True)
    x, future = torch.randn(3, 2, 4), torch.full((3, 3), -torch.inf).triu(1)
    padding = torch.tensor([[False] * 3, [False, False, True]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together, _ = attention(x, x, x, key_padding_mask=padding, attn_mask=future)
    alone, _ = attention(x[:2], x[:2], x[:2], attn_mask=future[:2, :2])
    assert torch.allclose(together[:2], alone)


def numpy_aliases_dynamic_crf_layer() -> None:
    layer = DynamicCRF(10, 2, 4)
    layer._compute_normalizer(
        torch.randn(2, 3, 10), torch.ones(2, 3, dtype=torch.long), torch.ones(2, 3, dtype=torch.bool), beam=4
    )


def ngram_repeats() -> None:
    tokens = torch.tensor([[2, 5, 6, 7, 5, 6, 1, 1], [2, 5, 6, 5, 7, 6, 1, 1]])
    for size, banned in ((1, [{5, 6, 7}, {5, 6, 7}]), (2, [{7}, {5}]), (3, [{7}, set()]), (6, [set(), set()])):
        scores = NGramRepeatBlock(size, use_extension=False)(tokens, torch.zeros(2, 9), 1, 2, 5)
        assert [set(row.isinf().nonzero()[:, 0].tolist()) for row in scores] == banned, size


PROBES = (
    encoder_fast_path,
    attention_masks,
    numpy_aliases_dynamic_crf_layer,
    ngram_repeats,
)
