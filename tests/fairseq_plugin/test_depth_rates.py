"""With what a rule of --depth-rates goes, and how the optimizer's state in a checkpoint comes into its groups."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fairseq.models import ARCH_MODEL_REGISTRY
from omegaconf import DictConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel
from mtdeep.fairseq_plugin.depth_rates import by_name, problems, recorded_rule
from mtdeep.fairseq_plugin.start import check, chosen
from mtdeep.nn.factors import Factors

TRAINING = (
    "store --task many_to_many_translation --arch deepnet_mt --criterion label_smoothed_cross_entropy "
    "--optimizer torch_adam --max-tokens 9 --cpu --depth-rates adam"
).split()
SLOW, PLAIN = Factors(rate=0.5), Factors()
FACTORS = {"a": PLAIN, "b": SLOW, "c": PLAIN, "d": SLOW}


@pytest.fixture
def training(training_with) -> Callable[..., DictConfig]:
    """Return the configuration of a training with the rule, with some values changed: {place: value}."""
    made: Callable[..., DictConfig] = training_with(TRAINING)
    return made


@pytest.mark.parametrize("arch", ["deepnet_mt", "deepnet_mt_36", "deepnet_mt_1000"])
@pytest.mark.parametrize("optimizer", ["adam", "torch_adam"])
def test_deepnets_go_with_it(arch: str, optimizer: str, training) -> None:
    check("train", training({"model": {"_name": arch}, "optimizer": {"_name": optimizer}}))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"model": {"_name": "preln_mt"}},
            "--depth-rates adam: no rule 'adam' was found for scheme preln, which trains without one: leave it out.",
        ),
        (
            {"model": {"_name": "transformer"}},
            "--depth-rates adam is for the architectures of mtdeep, whose models know the depth of a layer; leave it "
            "out.",
        ),
        *(
            (
                {"optimizer": {"_name": optimizer}},
                f"--depth-rates adam is for --optimizer adam and torch_adam, not {optimizer}.",
            )
            for optimizer in ("sgd", "cpu_adam", "composite", "adafactor")
        ),
        ({"optimization.use_bmuf": True}, "--depth-rates adam and --use-bmuf do not go together."),
    ],
)
def test_what_it_does_not_go_with(changes: dict[str, object], sentence: str, training, tmp_path: Path) -> None:
    with pytest.raises(UserError) as problem:
        check("train", training(changes))
    assert str(problem.value) == sentence
    assert not (tmp_path / "run").exists()
    check("train", training({**changes, "optimization.depth_rates": "none"}))


@pytest.mark.parametrize(
    ("place", "value", "given"),
    [("zero_sharding", "os", "--zero-sharding os"), ("ddp_backend", "fully_sharded", "--ddp-backend fully_sharded")],
)
def test_it_does_not_go_with_parameters_that_are_shared_out(place: str, value: str, given: str, training) -> None:
    """Whether the package that shares them out is installed or not."""
    with pytest.raises(UserError, match=f"--depth-rates adam and {given} do not go together"):
        check("train", training({f"distributed_training.{place}": value}))


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"model": {"_name": "deepnet_tm"}}, "--arch 'deepnet_tm' does not exist (did you mean 'deepnet_mt'?)."),
        ({"optimizer": {"_name": "torch_adm"}}, "--optimizer 'torch_adm' does not exist (did you mean 'torch_adam'?)."),
        ({"optimizer": None}, "--optimizer is missing (in a configuration file, optimizer: {_name: ...})."),
    ],
)
def test_a_part_that_does_not_exist_is_told_alone(part: dict[str, object], sentence: str, training) -> None:
    with pytest.raises(UserError) as problem:
        check("train", training(part))
    assert str(problem.value) == sentence


def test_architectures_other_than_deepnet_say_that_they_have_no_rule(training) -> None:
    """All of ours, a stack on its own among them."""
    deep = {name: model for name, model in ARCH_MODEL_REGISTRY.items() if issubclass(model, FairseqDeepModel)}
    assert len(deep) > 20
    for name, model in deep.items():
        what = f"scheme {model.scheme}" if "_mt" in name else f"a stack of scheme {model.scheme} on its own"
        reason = f"--depth-rates adam: no rule 'adam' was found for {what}, which trains without one: leave it out"
        expected = [] if name.startswith("deepnet_mt") else [reason]
        assert [*problems("adam", training({"model": {"_name": name}}), model)] == expected


def test_a_rule_of_another_version_is_named(training) -> None:
    cfg = training()
    model = ARCH_MODEL_REGISTRY[chosen(cfg, "model")]
    expected = "--depth-rates late is not among the rules of this version: none, adam, completep"
    assert [*problems("late", cfg, model)] == [expected]


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        (None, "none"),
        ([], "none"),
        ([{"num_updates": 3}], "none"),
        ([{"depth_rates": "adam"}, {"num_updates": 4}], "none"),
        ([{"num_updates": 3}, {"depth_rates": "adam"}], "adam"),
    ],
)
def test_the_last_training_says_which_rule_it_had(history: list[dict[str, Any]] | None, rule: str) -> None:
    assert recorded_rule(history) == rule


def state(*groups: tuple[str, ...], named: bool = True) -> dict[str, Any]:
    """An optimizer's state with these parameters in its groups; a parameter's moment is its name."""
    numbers = iter(range(9))
    found: dict[str, Any] = {"param_groups": [], "state": {}, "loss_scale": 8.0}
    for names in groups:
        params = [next(numbers) for _ in names]
        found["state"] |= {number: {"exp_avg": name} for number, name in zip(params, names, strict=True)}
        own = {"param_names": list(names)} if named else {}
        found["param_groups"].append({"lr": 0.1, "eps": 1e-6, "rate_factor": 0.9, "params": params, **own})
    return found


@pytest.mark.parametrize(
    "saved",
    [
        state(("a", "c"), ("b", "d")),
        state(("d", "b"), ("c", "a")),
        state(("c", "d", "a", "b")),
        state(("d",), ("c",), ("b",), ("a",)),
        state(("a", "b", "c", "d"), named=False),
        state(("a", "b"), ("c", "d"), named=False),
    ],
)
def test_moments_come_into_the_groups_by_name(saved: dict[str, Any]) -> None:
    found = by_name(saved, FACTORS)
    assert [(group["params"], group["param_names"]) for group in found["param_groups"]] == [
        ([0, 1], ["a", "c"]),
        ([2, 3], ["b", "d"]),
    ]
    assert {number: moments["exp_avg"] for number, moments in found["state"].items()} == {
        0: "a", 1: "c", 2: "b", 3: "d",
    }  # fmt: skip
    assert all((group["lr"], group["eps"]) == (0.1, 1e-6) for group in found["param_groups"])
    assert found["loss_scale"] == 8.0


def test_a_parameter_that_was_never_updated_has_no_moments() -> None:
    saved = state(("d", "b"), ("c", "a"))
    del saved["state"][1]
    assert {moments["exp_avg"] for moments in by_name(saved, FACTORS)["state"].values()} == {"a", "c", "d"}


@pytest.mark.parametrize(
    ("saved", "lacking"),
    [
        (state(("a", "c"), ("b",)), "d"),
        (state(("a", "c", "e"), ("b",)), "d"),
        (state(("a", "c")), "b and one other"),
        (state(("a", "b", "c"), named=False), "a and 3 others"),
    ],
)
def test_a_state_that_lacks_a_parameter_is_refused(saved: dict[str, Any], lacking: str) -> None:
    with pytest.raises(UserError, match=f"its optimizer has no state of {lacking}: start it anew with --reset-optim"):
        by_name(saved, FACTORS)
