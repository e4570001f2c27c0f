"""The block of docs/from-fairseq.md that averages checkpoints: which it takes, and the values that come out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from places import block

BLOCK = block("docs/from-fairseq.md", "python", "import re\nfrom pathlib import Path")
UPDATES = re.search(r'of updates: (".*")', BLOCK)
EPOCHS = re.search(r'pattern = (".*?")', BLOCK)
NAMED = ("checkpoint2", "checkpoint9", "checkpoint10", "checkpoint_1_50", "checkpoint_2_100", "checkpoint_10_99")
BEST = ("checkpoint_best", "checkpoint_last", "checkpoint.best_bleu_30.1")
KINDS = {"half": torch.float16, "brain": torch.bfloat16, "single": torch.float32, "double": torch.float64}


def checkpoint(seed: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    # Two of them are more than half precision can hold, but their mean is not.
    model = {name: (60_000 + 1000 * torch.rand(5, 3, generator=generator)).to(kind) for name, kind in KINDS.items()}
    return {"model": model, "extra_state": {"seed": seed}}


@pytest.mark.parametrize(
    ("pattern", "averaged"),
    [(EPOCHS, ("checkpoint9", "checkpoint10")), (UPDATES, ("checkpoint_10_99", "checkpoint_2_100"))],
)
def test_the_last_two_are_averaged(
    pattern: re.Match[str], averaged: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours").mkdir()
    made = {name: checkpoint(seed) for seed, name in enumerate([*NAMED, *BEST])}
    for name, state in made.items():
        torch.save(state, f"ours/{name}.pt")
    assert EPOCHS is not None
    exec(BLOCK.replace(f"pattern = {EPOCHS[1]}", f"pattern = {pattern[1]}"), {})  # as it is printed
    average = torch.load("ours/average.pt", weights_only=True)
    assert average["extra_state"] == made[averaged[-1]]["extra_state"]
    for name, kind in KINDS.items():
        mean = torch.stack([made[each]["model"][name].double() for each in averaged]).mean(dim=0)
        assert average["model"][name].dtype == kind
        assert torch.equal(average["model"][name], mean.to(kind))
    assert average["model"].keys() == KINDS.keys()
