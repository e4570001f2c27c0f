"""What the table refuses is refused before a command begins, by its name, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fairseq.dataclass.configs import FairseqConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.fairseq_options.option import Use, leaf
from mtdeep.fairseq_plugin.fairseq_options.refusals import value
from mtdeep.fairseq_plugin.fairseq_options.table import OPTIONS
from mtdeep.fairseq_plugin.generation.checks import check_options
from mtdeep.fairseq_plugin.options import flag
from mtdeep.fairseq_plugin.start import check

ON_STORE = "store --task many_to_many_translation --max-tokens 100 --cpu"
TRAINING = (
    "--arch deepnet_mt --criterion label_smoothed_linear_cross_entropy --optimizer torch_adam --lr-scheduler piecewise"
)
COMMANDS = {
    "train": (Use.TRAIN | Use.TRAIN_MODEL | Use.TRAIN_STORE, f"{ON_STORE} {TRAINING}"),
    "validate": (Use.VALIDATE, f"{ON_STORE} --path x.pt"),
    "eval_lm": (Use.EVAL_LM, "bin --path x.pt"),
    "generate": (Use.GENERATE, f"{ON_STORE} --path x.pt"),
    "interactive": (Use.INTERACTIVE, f"{ON_STORE} --path x.pt"),
}
#: Where another value than the default must be one of some.
CHOICES = {"scoring": {"_name": "chrf"}}


def other(default: object) -> object:
    """Return a value that is not an option's default."""
    if isinstance(default, bool) or default is None:
        return True
    return default + 1 if isinstance(default, int) else "another"


def look(command: str, cfg: Any) -> None:
    """Look at a command's options as it does itself."""
    if command in ("generate", "interactive"):
        check_options(cfg, typed=command == "interactive")
    else:
        check(command, cfg)


@pytest.fixture
def configure(configured, tmp_path: Path) -> Callable[..., Any]:
    """Return the configuration of a command that all is right with, but for the changes: (command, {place: value})."""

    def make(command: str, changes: Mapping[str, object]) -> Any:
        _, arguments = COMMANDS[command]
        return configured(command, *arguments.split(), changes={"checkpoint.save_dir": str(tmp_path), **changes})

    return make


@pytest.mark.parametrize("command", COMMANDS)
def test_all_that_is_refused_is_named_at_once(command: str, configure) -> None:
    use, _ = COMMANDS[command]
    places = [option.place for option in OPTIONS if option.refusal(use)]
    look(command, configure(command, {}))
    changes = {place: CHOICES.get(place) or other(value(FairseqConfig(), place)) for place in places}
    with pytest.raises(UserError) as problem:
        look(command, configure(command, changes))
    named = [phrase.partition(": ")[0] for phrase in str(problem.value).split("; --")]
    assert {f"--{name.lstrip('-')}" for name in named} == {flag(leaf(place)) for place in places}


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"fast_stat_sync": True}, "--fast-stat-sync has no effect in fairseq: each criterion says how its"),
        ({"distributed_num_procs": 64}, "--distributed-num-procs has no effect in fairseq: --distributed-world-size"),
        ({"distributed_num_procs": 4, "distributed_world_size": 4}, ""),
    ],
)
def test_what_fairseq_itself_never_reads_is_said(
    changes: Mapping[str, object], warning: str, configure, caplog: pytest.LogCaptureFixture
) -> None:
    """Published commands have such options: they run as they always did."""
    placed = {f"distributed_training.{name}": given for name, given in changes.items()}
    check("train", configure("train", {"task": {"_name": "translation"}, "model": {"_name": "transformer"}, **placed}))
    assert warning in caplog.text if warning else not caplog.records


def test_a_machine_with_several_gpus_is_not_taken_for_an_option(configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration's default is their number, and the command's own is 1."""
    monkeypatch.setattr(FairseqConfig.distributed_training, "distributed_world_size", 4)
    look("eval_lm", configure("eval_lm", {}))


def test_the_task_takes_what_fairseqs_own_tasks_take(configure) -> None:
    """The order of a data-bin's batches is fairseq's affair; no command's refusals reach it."""
    check("train", configure("train", {"task": {"_name": "translation"}, "dataset.curriculum": 2}))
