"""A training with --depth-rates that goes on: to the bit where nothing changes, refused where the rule would."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin import depth_rates

RULE = {"optimization__depth_rates": "adam"}
NONE = {"optimization__depth_rates": "none"}
Samples = Sequence[dict[str, Any]]


def assert_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The weights, the groups and the moments of two files, to the bit."""
    for name, tensor in one["model"].items():
        assert torch.equal(tensor, other["model"][name]), name
    mine, others = one["last_optimizer_state"], other["last_optimizer_state"]
    assert mine["param_groups"] == others["param_groups"]
    assert mine["state"].keys() == others["state"].keys()
    for number, moments in mine["state"].items():
        for name, value in moments.items():
            given = others["state"][number][name]
            assert torch.equal(value, given) if isinstance(value, Tensor) else value == given, (number, name)


@pytest.mark.parametrize(
    ("optimizer", "precision"),
    [
        ("torch_adam", ()),
        ("torch_adam", ("bf16",)),
        ("adam", ()),
        ("adam", ("fp16",)),
        ("adam", ("fp16", "memory_efficient_fp16")),
    ],
)
def test_a_training_goes_on_with_its_rule_unasked(
    optimizer: str, precision: tuple[str, ...], train, save_training, samples: Samples, tmp_path: Path
) -> None:
    arguments = ("--optimizer", optimizer)
    changes = {f"common__{flag}": True for flag in precision}
    whole = save_training(train(samples, *arguments, **RULE, **changes), tmp_path / "whole.pt")
    half = save_training(train(samples[:3], *arguments, **RULE, **changes), tmp_path / "half.pt")
    after = train(samples[3:], *arguments, path=tmp_path / "half.pt", seed=6, **changes)
    resumed = save_training(after, tmp_path / "resumed.pt")
    assert_the_same(whole, resumed)
    assert not torch.equal(half["model"]["encoder.layers.0.fc1.weight"], whole["model"]["encoder.layers.0.fc1.weight"])
    assert [entry["depth_rates"] for entry in resumed["optimizer_history"]] == ["adam", "adam"]
    (encoder,) = (group for group in resumed["last_optimizer_state"]["param_groups"] if group["rate_factor"] != 1)
    assert encoder["rate_factor"] == pytest.approx(0.66203, abs=5.1e-6)
    assert encoder["param_names"] == [name for name in resumed["model"] if name.startswith("encoder.layers.")]


def test_a_training_without_a_rule_leaves_no_trace_of_one(
    train, save_training, samples: Samples, tmp_path: Path
) -> None:
    found = save_training(train(samples[:2]), tmp_path / "plain.pt")
    (group,) = found["last_optimizer_state"]["param_groups"]
    assert not {name for name in group if name.endswith(("_factor", "_names"))}
    assert "depth_rates" not in found["optimizer_history"][-1]
    given = save_training(train(samples[:2], **NONE), tmp_path / "given.pt")
    assert_the_same(found, given)


@pytest.mark.parametrize("order", ["names", "none"])
def test_moments_find_their_parameters_in_files_of_another_order(
    order: str, train, save_training, samples: Samples, tmp_path: Path
) -> None:
    """One group of all, from the last to the first; a file without names, in the model's order."""
    whole = save_training(train(samples[:3], **RULE), tmp_path / "whole.pt")
    half = save_training(train(samples[:2], **RULE), tmp_path / "half.pt")
    state = half["last_optimizer_state"]
    groups = state["param_groups"]
    numbers = {name: n for group in groups for name, n in zip(group["param_names"], group["params"], strict=True)}
    names = [name for name, _ in train([]).get_model().named_parameters()]
    if order == "names":
        names.reverse()
    group = {**groups[0], "params": list(range(len(names))), "param_names": names}
    if order == "none":
        del group["param_names"]
    moments = {place: state["state"][numbers[name]] for place, name in enumerate(names)}
    half["last_optimizer_state"] = {**state, "param_groups": [group], "state": moments}
    torch.save(half, tmp_path / "other.pt")
    resumed = save_training(train(samples[2:3], path=tmp_path / "other.pt"), tmp_path / "resumed.pt")
    assert_the_same(whole, resumed)


@pytest.mark.parametrize(
    ("before", "now", "sentence"),
    [
        (RULE, NONE, "its training had --depth-rates adam, and this one has none: leave it out, or start the"),
        ({}, RULE, "its training had --depth-rates none, and this one has adam: leave it out, or start the"),
    ],
)
def test_another_rule_needs_another_optimizer(
    before: dict[str, object],
    now: dict[str, object],
    sentence: str,
    train,
    trainer,
    save_training,
    samples: Samples,
    tmp_path: Path,
) -> None:
    path = tmp_path / "earlier.pt"
    weights = save_training(train(samples[:2], **before), path)["model"]
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}: {sentence} optimizer anew with --reset-optimizer"):
        train([], path=path, **now)
    other = trainer(**now)
    other.load_checkpoint(str(path), reset_optimizer=True)
    for name, tensor in other.model.state_dict().items():
        assert torch.equal(tensor, weights[name])
    history = save_training(other, tmp_path / "other.pt")["optimizer_history"]
    assert [entry.get("depth_rates", "none") for entry in history] == [
        made.get("optimization__depth_rates", "none") for made in (before, now)
    ]


def test_an_optimizer_that_starts_anew_has_no_rule_unasked(
    train, trainer, save_training, samples: Samples, tmp_path: Path
) -> None:
    save_training(train(samples[:1], **RULE), tmp_path / "earlier.pt")
    other = trainer()
    other.load_checkpoint(str(tmp_path / "earlier.pt"), reset_optimizer=True)
    assert len(other.optimizer.param_groups) == 1
    assert "depth_rates" not in save_training(other, tmp_path / "other.pt")["optimizer_history"][-1]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda state: state["optimizer_history"][-1].update(depth_rates="late"), "late is not among the rules of th"),
        (
            lambda state: state["last_optimizer_state"]["param_groups"][0]["param_names"].__setitem__(0, "x"),
            "its optimizer has no state of encoder.embed_tokens.weight: start it anew with --reset-optimizer",
        ),
    ],
)
def test_what_a_file_says_of_its_rule_is_told_with_its_name(
    damage: Callable[[dict[str, Any]], None], sentence: str, train, save_training, samples: Samples, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.pt"
    state = save_training(train(samples[:1], **RULE), tmp_path / "earlier.pt")
    damage(state)
    torch.save(state, path)
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}: .*{re.escape(sentence)}"):
        train([], path=path)


def test_a_rule_that_is_not_asked_for_does_not_go_with_another_optimizer(
    train, save_training, samples: Samples, tmp_path: Path
) -> None:
    save_training(train(samples[:1], **RULE), tmp_path / "earlier.pt")
    with pytest.raises(UserError, match=r"earlier\.pt: --depth-rates adam is for --optimizer .*, not sgd"):
        train([], "--optimizer", "sgd", path=tmp_path / "earlier.pt")


def test_the_rule_in_force_is_logged_and_said_when_it_is_left_out(
    train, trainer, save_training, samples: Samples, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An encoder of two layers that three read learns at 0.662 of the rate."""
    caplog.set_level(logging.INFO, logger=depth_rates.__name__)
    in_force = "--depth-rates adam: the encoder's layers have the learning rate times 0.662"
    lost = "the checkpoint's training had --depth-rates adam; the optimizer starts anew without"
    save_training(train(samples[:1], **RULE), tmp_path / "half.pt")
    assert in_force in caplog.text
    caplog.clear()
    train(samples[:1], path=tmp_path / "half.pt")
    assert in_force in caplog.text and lost not in caplog.text
    caplog.clear()
    anew = trainer()
    anew.load_checkpoint(str(tmp_path / "half.pt"), reset_optimizer=True)
    anew.train_step([samples[0]])
    assert lost in caplog.text and in_force not in caplog.text


def test_tensors_that_do_not_fit_are_one_sentence(
    trainer, save_training, samples: Samples, tmp_path: Path
) -> None:
    """Of fairseq's own models, whose configuration no checkpoint of ours is compared with."""
    saved, other = trainer(), trainer()
    save_training(saved, tmp_path / "c.pt")
    other._model = torch.nn.Linear(2, 2)
    other._model.set_num_updates = lambda updates: None
    with pytest.raises(UserError, match=r"c.pt: its tensors do not fit this model; give --arch and the sizes"):
        other.load_checkpoint(str(tmp_path / "c.pt"))
