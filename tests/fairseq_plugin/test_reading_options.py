"""A training does not begin from scratch when the checkpoint that it is to begin with is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mtdeep.fairseq_plugin.reading_options import reading_problems


@pytest.fixture
def problems(configured, tmp_path: Path):
    """Return the phrases for a training in the folder run: (OPTION=value)."""

    def look(**changes: object) -> list[str]:
        options = {f"checkpoint.{name}": value for name, value in changes.items()}
        folder = {"checkpoint.save_dir": str(tmp_path / "run")}
        arguments = ("store", "--task", "many_to_many_translation", "--arch", "preln_mt", "--cpu")
        return list(reading_problems(configured("train", *arguments, changes={**folder, **options})))

    return look


@pytest.mark.parametrize("option", ["restore_file", "finetune_from_model", "continue_once"])
def test_a_checkpoint_that_is_not_there(option: str, problems, tmp_path: Path) -> None:
    path = tmp_path / "some.pt"
    (problem,) = problems(**{option: str(path)})
    assert problem.startswith(f"--{option.replace('_', '-')} {path} does not exist")
    path.touch()
    assert problems(**{option: str(path)}) == []


def test_what_a_first_launch_began_with_may_be_gone(problems, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint_last.pt").touch()
    assert problems(finetune_from_model="gone.pt") == problems(continue_once="gone.pt") == problems() == []


def test_the_suffix_belongs_to_the_name(problems, tmp_path: Path) -> None:
    (tmp_path / "some_b.pt").touch()
    assert problems(restore_file=str(tmp_path / "some.pt"), checkpoint_suffix="_b") == []


def test_parts_have_names_that_each_process_makes_up(configured) -> None:
    cfg = configured("train", "store", "--task", "many_to_many_translation", "--arch", "preln_mt", "--cpu")
    OmegaConf.update(cfg, "checkpoint.restore_file", "some.pt")
    OmegaConf.update(cfg, "distributed_training.use_sharded_state", True)
    assert list(reading_problems(cfg)) == []


def test_ways_to_begin_that_contradict_each_other(problems, tmp_path: Path) -> None:
    path = tmp_path / "some.pt"
    path.touch()
    both = problems(restore_file=str(path), finetune_from_model=str(path))
    assert both == ["--finetune-from-model and --restore-file contradict each other; give one of them"]
    (reset,) = problems(finetune_from_model=str(path), reset_optimizer=True, reset_meters=True)
    assert reset.endswith("leave --reset-optimizer and --reset-meters out")


@pytest.mark.parametrize("text", ["lr=3", "3", "{lr: 3}", ""])
def test_overrides_that_are_no_dictionary(text: str, problems) -> None:
    (problem,) = problems(optimizer_overrides=text)
    assert problem.startswith(f"--optimizer-overrides {text} is not a dictionary")
    assert problems(optimizer_overrides="{'lr': 3}") == []
