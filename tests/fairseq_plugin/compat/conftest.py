"""A tiny data-bin and fairseq's own transformer, both made with plain commands."""

from __future__ import annotations

import random
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def transformer() -> list[str]:
    """Flags of a tiny model and its training."""
    return [
        *("--arch", "transformer", "--encoder-layers", "2", "--decoder-layers", "2"),
        *("--encoder-embed-dim", "16", "--encoder-ffn-embed-dim", "32", "--encoder-attention-heads", "2"),
        *("--decoder-embed-dim", "16", "--decoder-ffn-embed-dim", "32", "--decoder-attention-heads", "2"),
        *("--optimizer", "adam", "--lr", "0.01", "--max-tokens", "200"),
        *("--log-format", "simple", "--log-interval", "1", "--no-epoch-checkpoints"),
    ]


@pytest.fixture(scope="session")
def databin(run_command, tmp_path_factory) -> Path:
    """The task of reversing short sentences of letters."""
    folder = tmp_path_factory.mktemp("reversal")
    letters = random.Random(1)
    for split, rows in (("train", 200), ("valid", 20), ("test", 10)):
        words = [[letters.choice("abcdefghij") for _ in range(letters.randint(2, 9))] for _ in range(rows)]
        (folder / f"{split}.src").write_text("".join(" ".join(row) + "\n" for row in words))
        (folder / f"{split}.tgt").write_text("".join(" ".join(reversed(row)) + "\n" for row in words))
    splits = [part for split in ("train", "valid", "test") for part in (f"--{split}pref", split)]
    done = run_command("fairseq-preprocess", "-s", "src", "-t", "tgt", *splits, "--destdir", "bin", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


@pytest.fixture(scope="session")
def trained(run_command, transformer, databin: Path) -> Path:
    """The folder of checkpoints of fairseq's own transformer after two updates."""
    folder = databin.with_name("checkpoints")
    done = run_command("fairseq-train", databin, *transformer, "--max-update", "2", "--save-dir", folder)
    assert done.returncode == 0, done.stderr
    assert "num_updates=2" in done.stdout + done.stderr
    return folder
