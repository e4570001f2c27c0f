"""Validation looked at before the first update: what would end a training after its first epoch is said at once.

fairseq meets a validation sentence that it cannot read, and a metric that does not exist, only when it validates, and
before it has saved anything.
"""

from __future__ import annotations

from typing import Any

import torch
from fairseq import utils
from fairseq.data import data_utils
from fairseq.logging import metrics

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.lengths import readable_examples


def look_ahead(trainer: Any) -> None:
    """Raise UserError when validation would fail: over lengths, or over the metric of the best checkpoint.

    The length of every sentence is compared with the limits. One sentence is validated where the metric is not the
    loss, which every criterion gives.
    """
    options, metric = trainer.cfg.dataset, trainer.cfg.checkpoint.best_checkpoint_metric
    if options.disable_validation:
        return
    positions = utils.resolve_max_positions(trainer.task.max_positions(), trainer.model.max_positions())
    for number, split in enumerate(options.valid_subset.split(",")):
        dataset = trainer.task.dataset(split)
        skips = options.skip_invalid_size_inputs_valid_test
        readable = readable_examples(
            dataset, split, positions=positions, max_tokens=options.max_tokens_valid, skips=skips
        )
        scores = trainer.validation_bleu.figures(split)
        if number == 0 and metric != "loss":  # the first split chooses the best checkpoint
            known = scores | metrics_of(trainer, dataset.collater([dataset[readable[0]]]))
            check_metric(metric, trainer, known)


def metrics_of(trainer: Any, sample: dict[str, Any]) -> set[str]:
    """Return the names of what validation logs, tried on a batch; random numbers and meters stay as they were."""
    model, criterion = trainer.model, trainer.criterion
    model.eval()
    criterion.eval()
    sample, _ = trainer._prepare_sample(sample)
    seed = trainer.cfg.common.seed
    ema = {"ema_model": trainer.ema.get_model()} if getattr(trainer.task, "uses_ema", False) and trainer.ema else {}
    with utils.set_torch_seed(seed), data_utils.numpy_seed(seed), metrics.aggregate(new_root=True) as logged:
        with torch.no_grad():
            _, _, log = trainer.task.valid_step(sample, model, criterion, **ema)
        trainer.task.reduce_metrics([log], trainer.get_criterion())
    return set(logged.get_smoothed_values())


def check_metric(metric: str, trainer: Any, known: set[str]) -> None:
    """Raise UserError when the best checkpoint is to be chosen by something that validation does not give."""
    if getattr(trainer.task.cfg, "eval_bleu", False):
        known.add("bleu")  # the stock task logs it only when a translation has words
    if metric not in known:
        names = ", ".join(sorted(known))
        raise UserError(f"--best-checkpoint-metric {metric} is not among what validation gives: {names}; name one.")
