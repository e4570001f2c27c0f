"""The linear cross-entropy against fairseq's own label smoothing, on the same model and batch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from fairseq.criterions.label_smoothed_cross_entropy import LabelSmoothedCrossEntropyCriterion
from fairseq.data import Dictionary

from mtdeep import nn as deep
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.criterions import LabelSmoothedLinearCrossEntropy
from mtdeep.fairseq_plugin.models import FairseqDeepEncoderDecoder


@pytest.mark.parametrize("ignore_prefix_size", [0, 1])
@pytest.mark.parametrize("sentence_avg", [True, False])
def test_equals_fairseqs_criterion(dictionary: Dictionary, sentence_avg: bool, ignore_prefix_size: int) -> None:
    torch.manual_seed(0)
    config = deep.Config(
        scheme="deepnorm", source_vocabulary_size=len(dictionary), target_vocabulary_size=len(dictionary),
        encoder_layers=1, decoder_layers=1, embed_dim=16, encoder_ffn_dim=24, decoder_ffn_dim=24, encoder_heads=2,
        decoder_heads=2, dropout=0.0,
    )  # fmt: skip
    model = FairseqDeepEncoderDecoder(config, dictionary, dictionary)
    tokens = torch.randint(4, len(dictionary), (3, 6))
    tokens[1, 4:] = dictionary.pad()
    sample = {
        "net_input": {"src_tokens": tokens, "src_lengths": torch.tensor([6, 4, 6]), "prev_output_tokens": tokens},
        "target": tokens,
        "ntokens": 16,
    }
    task = SimpleNamespace(target_dictionary=dictionary)
    results = []
    for criterion_class in (LabelSmoothedCrossEntropyCriterion, LabelSmoothedLinearCrossEntropy):
        model.zero_grad()
        criterion = criterion_class(task, sentence_avg, 0.1, ignore_prefix_size, False)
        loss, sample_size, log = criterion(model, sample)
        loss.backward()
        results.append((loss, log["nll_loss"], sample_size, [p.grad for p in model.parameters()]))
    for ours, theirs in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(ours, theirs)


def test_accuracy_is_refused_with_the_remedy(dictionary: Dictionary) -> None:
    with pytest.raises(UserError, match="--criterion label_smoothed_cross_entropy"):
        LabelSmoothedLinearCrossEntropy(SimpleNamespace(target_dictionary=dictionary), False, 0.1, 0, True)
