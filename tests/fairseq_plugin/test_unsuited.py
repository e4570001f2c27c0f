"""A model whose options come from a task that has none of them, from flags and from a configuration file."""

from __future__ import annotations

import re

import pytest
from fairseq.dataclass.initialize import add_defaults
from omegaconf import OmegaConf

from mtdeep.errors import UserError

SENTENCES = {
    "many_to_many_translation": "--arch transformer_lm is not supported by the task many_to_many_translation; take",
    "masked_lm": r"--arch transformer_lm needs the option \w+ of its task, which --task masked_lm lacks\.$",
}


@pytest.mark.parametrize("task", SENTENCES)
def test_flags(task: str, configured) -> None:
    with pytest.raises(UserError) as problem:
        configured("train", "data", "--task", task, "--arch", "transformer_lm")
    assert re.match(SENTENCES[task], str(problem.value))


@pytest.mark.parametrize("task", SENTENCES)
def test_a_configuration_file(task: str) -> None:
    cfg = OmegaConf.create({"model": {"_name": "transformer_lm"}, "task": {"_name": task, "data": "data"}})
    with pytest.raises(UserError) as problem:
        add_defaults(cfg)
    assert re.match(SENTENCES[task], str(problem.value))


def test_the_task_that_has_them(configured) -> None:
    cfg = configured("train", "data", "--task", "language_modeling", "--arch", "transformer_lm", "--add-bos-token")
    assert cfg.model.add_bos_token is True
