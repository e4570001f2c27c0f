"""Every architecture of ours through the commands: a few updates, then a fresh process, with both searches."""

from __future__ import annotations

from pathlib import Path

import pytest
from fairseq.models import ARCH_MODEL_REGISTRY, MODEL_REGISTRY

from mtdeep.checkpoint import read_checkpoint
from mtdeep.nn.scheme import SCHEMES

TRANSLATING = sorted(
    name for name, model in MODEL_REGISTRY.items() if name.endswith("_mt") and model.__module__.startswith("mtdeep.")
)


def test_every_scheme_has_an_architecture() -> None:
    assert {ARCH_MODEL_REGISTRY[name].scheme for name in TRANSLATING} == SCHEMES.keys()
    assert len(TRANSLATING) == len(SCHEMES)


@pytest.mark.parametrize(
    "architecture",
    [name if name == "deepnet_mt" else pytest.param(name, marks=pytest.mark.slow) for name in TRANSLATING],
)
def test_trains_and_says_the_same_in_a_fresh_process(
    toy_store: Path, tmp_path: Path, architecture: str, run_command, tiny, compare_searches
) -> None:
    options = [architecture if option == "deepnet_mt" else option for option in tiny]
    result = run_command("fairseq-train", toy_store, *options, "--max-update", 8, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    compare_searches(tmp_path / "checkpoint_last.pt", "fr", beam=3, max_length=12)


@pytest.mark.parametrize(("architecture", "warns"), [("deepnet_mt", True), ("residual_mt", False)])
def test_an_argument_without_effect_is_named(
    toy_store: Path, tmp_path: Path, architecture: str, warns: bool, run_command, tiny
) -> None:
    options = [architecture if option == "deepnet_mt" else option for option in tiny]
    result = run_command(
        "fairseq-train", toy_store, *options, "--residual-scale", 0.05, "--max-update", 1, "--save-dir", tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert ("--residual-scale has no effect here (scheme deepnorm" in result.stdout + result.stderr) == warns
    assert read_checkpoint(tmp_path / "checkpoint_last.pt").config.residual_scale == 0.05
