"""A training looks ahead to its validation: over what it could not read, and the metric of the best checkpoint."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from fairseq.logging import metrics

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.first_validation import look_ahead
from mtdeep.fairseq_plugin.trainer import Trainer


def test_a_metric_that_validation_does_not_give(trainer: Callable[..., Trainer]) -> None:
    with pytest.raises(UserError, match=r"^--best-checkpoint-metric bleu is not among .* loss, nll_loss, ppl, "):
        look_ahead(trainer(checkpoint__best_checkpoint_metric="bleu"))


@pytest.mark.parametrize("metric", ["loss", "nll_loss", "ppl"])
def test_those_that_it_gives(metric: str, trainer: Callable[..., Trainer]) -> None:
    look_ahead(trainer(checkpoint__best_checkpoint_metric=metric))


def test_a_metric_of_the_criterions_options(trainer: Callable[..., Trainer]) -> None:
    criterion = {"_name": "label_smoothed_cross_entropy", "report_accuracy": True, "sentence_avg": False}
    changes = {"criterion": criterion, "checkpoint__best_checkpoint_metric": "accuracy"}
    look_ahead(trainer(**changes))
    criterion["report_accuracy"] = False
    with pytest.raises(UserError, match="--best-checkpoint-metric accuracy is not among"):
        look_ahead(trainer(**changes))


def test_without_validation_there_is_nothing_to_look_at(trainer: Callable[..., Trainer]) -> None:
    look_ahead(trainer(dataset__disable_validation=True, checkpoint__best_checkpoint_metric="bleu"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task__max_target_positions": 8}, r"the positions of task and model are \(1024, 8\)"),
        ({"dataset__max_tokens_valid": 8}, "a batch holds 8 tokens"),
    ],
)
def test_lengths_are_looked_at_and_skipped_where_that_is_asked_for(
    changes: dict[str, object], sentence: str, trainer: Callable[..., Trainer]
) -> None:
    with pytest.raises(UserError, match=sentence):
        look_ahead(trainer(**changes))
    skipping = trainer(**changes, dataset__skip_invalid_size_inputs_valid_test=True)
    look_ahead(skipping)
    batches = skipping.get_valid_iterator("valid").next_epoch_itr(shuffle=False)
    assert max(batch["target"].size(1) for batch in batches) <= 8


def test_the_training_does_not_notice(trainer: Callable[..., Trainer]) -> None:
    metrics.reset()  # those of a training before would hold a clock
    made = trainer(checkpoint__best_checkpoint_metric="ppl")
    before = {name: tensor.clone() for name, tensor in made.model.state_dict().items()}
    random, meters = torch.get_rng_state(), metrics.state_dict()
    look_ahead(made)
    assert torch.equal(torch.get_rng_state(), random)
    assert metrics.state_dict() == meters
    assert made.get_num_updates() == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.model.state_dict().items())


def test_it_comes_with_the_checkpoint_whether_there_is_one_or_not(trainer: Callable[..., Trainer]) -> None:
    with pytest.raises(UserError, match="--best-checkpoint-metric bleu"):
        trainer(checkpoint__best_checkpoint_metric="bleu").load_checkpoint("nowhere.pt")
