"""Label-smoothed cross-entropy that never makes the matrix of logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairseq.criterions import register_criterion
from fairseq.criterions.label_smoothed_cross_entropy import (
    LabelSmoothedCrossEntropyCriterion,
    LabelSmoothedCrossEntropyCriterionConfig,
)
from fairseq.models import BaseFairseqModel
from torch import Tensor

from mtdeep.errors import UserError
from mtdeep.nn import linear_cross_entropy


@dataclass
class LinearCrossEntropyConfig(LabelSmoothedCrossEntropyCriterionConfig):
    """fairseq's options of label smoothing."""


@register_criterion("label_smoothed_linear_cross_entropy", dataclass=LinearCrossEntropyConfig)
class LabelSmoothedLinearCrossEntropy(LabelSmoothedCrossEntropyCriterion):
    """fairseq's ``label_smoothed_cross_entropy``, output projection and loss taken together, a chunk at a time."""

    def __init__(
        self,
        task: object,
        sentence_avg: bool,
        label_smoothing: float,
        ignore_prefix_size: int = 0,
        report_accuracy: bool = False,
    ) -> None:
        if report_accuracy:
            raise UserError(
                "--report-accuracy needs logits, which label_smoothed_linear_cross_entropy never makes: "
                "use --criterion label_smoothed_cross_entropy."
            )
        super().__init__(task, sentence_avg, label_smoothing, ignore_prefix_size, report_accuracy)

    def forward(
        self, model: BaseFairseqModel, sample: dict[str, Any], reduce: bool = True
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Return the summed loss, its denominator, and what fairseq logs."""
        if not reduce:
            raise UserError("label_smoothed_linear_cross_entropy sums over tokens; losses a token are not kept.")
        features, _ = model(**sample["net_input"], features_only=True)
        target = sample["target"]
        start = self.ignore_prefix_size
        loss, nll_loss = linear_cross_entropy(
            features[:, start:].flatten(0, 1),
            model.decoder.output_projection.weight,
            target[:, start:].flatten(),
            label_smoothing=self.eps,
            padding_idx=self.padding_idx,
        )
        sample_size = target.size(0) if self.sentence_avg else sample["ntokens"]
        return loss, sample_size, {
            "loss": loss.detach(),
            "nll_loss": nll_loss.detach(),
            "ntokens": sample["ntokens"],
            "nsentences": target.size(0),
            "sample_size": sample_size,
        }
