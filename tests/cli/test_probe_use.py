"""`mtdeep probe --use`, run as a user runs it."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import pytest

from mtdeep.cli.main import run
from mtdeep.cli.probe import probe
from mtdeep.cli.probe_use import OF_NEW_MODELS
from mtdeep.probe.use.table import COLUMNS


@pytest.mark.slow
def test_a_checkpoint_on_a_store(run_command, store, checkpoint, tmp_path: Path) -> None:
    command = ("mtdeep", "probe", "--checkpoint", checkpoint, "--use", "--store", store, "--batch-tokens", "100")
    done = run_command(*command, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "use.json").read_text())
    assert found["data"]["split"] == "valid" and found["settings"]["batches"] == 4
    (record,) = found["checkpoints"]
    assert record["name"] == "checkpoint_best" and record["source"]["sentences"] > 0
    for word in (*COLUMNS[:3], "self-attention", "cross-attention", "Another source costs"):
        assert word in done.stdout
    for name in ("use.html", "use.json", "use_skips.png", "use_sources.png"):
        assert str(tmp_path / "out" / name) in done.stdout
        assert (tmp_path / "out" / name).stat().st_size > 0
    again = run_command(*command, "--output", tmp_path / "out")
    assert again.stdout == done.stdout
    another = run_command(*command, "--split", "valid", "--output", tmp_path / "another")
    assert another.returncode == 0
    assert (tmp_path / "another" / "use.json").read_bytes() == (tmp_path / "out" / "use.json").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--use --store {store}", "--use: it looks at trained models; give --checkpoint FILE."),
        ("--use --checkpoint {checkpoint}", "--use: of made-up sentences no model has learnt anything; give --store"),
        (
            "--use --checkpoint {checkpoint} --store {store} --steps 10 --lr 1e-3",
            "no updates; leave out --steps, --lr.",
        ),
        ("--use --checkpoint {checkpoint} --store {store} --arch preln", "no updates; leave out --schemes."),
        ("--use --checkpoint {checkpoint} --store {store} --config a.yaml", "no updates; leave out --config."),
        ("--use --checkpoint {checkpoint} --store {store} --split none", "no split 'none'"),
        ("--use --checkpoint {checkpoint} --store {store} --language en", "reads pairs of languages; leave it out"),
        (
            "--use --checkpoint {checkpoint} --checkpoint {checkpoint} --store {store}",
            "Two configurations have the name",
        ),
        ("--use --checkpoint missing.pt --store {store}", "missing.pt: cannot be read"),
    ],
)
def test_bad_input(
    store, checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, options: str, message: str
) -> None:
    arguments = options.format(store=store, checkpoint=checkpoint).split()
    # In this process: a new one would import torch for each of them.
    monkeypatch.setattr(sys, "argv", ["mtdeep", "probe", *arguments, "--output", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as done:
        run()
    assert done.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and message in told and told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_every_option_is_used_or_refused() -> None:
    """What `--use` takes stands here; a new option of the probe has to be in one of the two."""
    used = {"output", "checkpoint", "use", "store", "split", "language", "batch_tokens", "seed"}
    assert {*OF_NEW_MODELS, *used} == set(inspect.signature(probe).parameters) - {"context"}
