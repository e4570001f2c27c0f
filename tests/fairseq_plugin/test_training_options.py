"""Options of ours that stand in fairseq's own groups: on a command line, in a configuration file, with any task."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fairseq.dataclass import FairseqDataclass
from fairseq.dataclass.configs import FairseqConfig, OptimizationConfig

from mtdeep.fairseq_plugin.training_options import TrainingOptions, extend


@pytest.mark.parametrize("task", ["many_to_many_translation", "translation"])
def test_a_flag_of_every_task(task: str, configured) -> None:
    arguments = ("data", "--task", task, "--arch", "deepnet_mt", "--max-tokens", "10")
    assert configured("train", *arguments).optimization.stop_without_source is False
    cfg = configured("train", *arguments, "--stop-without-source")
    assert cfg.optimization.stop_without_source is True
    assert cfg.optimization.stop_min_lr == -1.0, "fairseq's own are as they were"


def test_instances_that_were_there_before_have_it() -> None:
    assert FairseqConfig().optimization.stop_without_source is False  # type: ignore[attr-defined]


def test_a_group_is_extended_once() -> None:
    before = dict(OptimizationConfig.__dataclass_fields__)
    extend(OptimizationConfig, TrainingOptions)
    assert OptimizationConfig.__dataclass_fields__ == before


def test_a_name_of_fairseqs_stays_fairseqs() -> None:
    @dataclass
    class Clash(FairseqDataclass):
        clip_norm: float = field(default=7.0, metadata={"help": "ours"})

    extend(OptimizationConfig, Clash)
    assert OptimizationConfig().clip_norm == 0.0


@pytest.mark.slow
def test_a_configuration_file_may_have_it(tmp_path: Path, run_command) -> None:
    (tmp_path / "mt.yaml").write_text(
        "# @package _group_\n"
        "task: {_name: many_to_many_translation, data: nowhere}\n"
        "model: {_name: deepnet_mt}\n"
        "criterion: {_name: label_smoothed_linear_cross_entropy}\n"
        "optimizer: {_name: torch_adam}\n"
        "lr_scheduler: {_name: inverse_sqrt, warmup_updates: 1}\n"
        "optimization: {lr: [0.1], stop_without_source: true}\n"
        "dataset: {max_tokens: 100, disable_validation: true}\n"
    )
    result = run_command("fairseq-hydra-train", "--config-dir", tmp_path, "--config-name", "mt", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.endswith("--stop-without-source needs validation; leave --disable-validation out.\n")
