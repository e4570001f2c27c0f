"""Label-smoothed cross-entropy that never makes the matrix of logits."""

from __future__ import annotations

from typing import Any

from fairseq.criterions import register_criterion
from fairseq.criterions.label_smoothed_cross_entropy import (
    LabelSmoothedCrossEntropyCriterion,
    LabelSmoothedCrossEntropyCriterionConfig,
)
from fairseq.models import BaseFairseqModel
from torch import Tensor

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.models import takes_head
from mtdeep.nn import linear_cross_entropy

NAME = "label_smoothed_linear_cross_entropy"
INSTEAD = "use --criterion label_smoothed_cross_entropy (masked models: masked_lm)."


@register_criterion(NAME, dataclass=LabelSmoothedCrossEntropyCriterionConfig)
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
            raise UserError(f"--report-accuracy needs logits, which {NAME} never makes: {INSTEAD}")
        super().__init__(task, sentence_avg, label_smoothing, ignore_prefix_size, report_accuracy)

    def forward(
        self, model: BaseFairseqModel, sample: dict[str, Any], reduce: bool = True
    ) -> tuple[Tensor, int, dict[str, Any]]:
        """Return the summed loss, its denominator, and what fairseq logs."""
        if not reduce:
            raise UserError(f"{NAME} keeps no loss of single tokens: {INSTEAD}")
        if not takes_head(model):
            raise UserError(f"{NAME} is for mtdeep's own decoders: for this model {INSTEAD}")
        target = sample["target"][:, self.ignore_prefix_size :].flatten()

        def head(features: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            features = features[:, self.ignore_prefix_size :].flatten(0, 1)
            return linear_cross_entropy(
                features, weight, target, label_smoothing=self.eps, padding_idx=self.padding_idx
            )

        loss, nll_loss = model(**sample["net_input"], head=head)
        sentences = sample["target"].size(0)
        sample_size = sentences if self.sentence_avg else sample["ntokens"]
        return loss, sample_size, {
            "loss": loss.detach(),
            "nll_loss": nll_loss.detach(),
            "ntokens": sample["ntokens"],
            "nsentences": sentences,
            "sample_size": sample_size,
        }
