"""`mtdeep average`, run as a user runs it, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mtdeep.checkpoint import read_checkpoint
from mtdeep.cli.main import app
from mtdeep.errors import UserError
from mtdeep.nn import EncoderDecoder


@pytest.fixture
def training(tmp_path: Path, tiny_config, save_model) -> Path:
    """A folder with three epochs."""
    for number in (1, 2, 10):
        torch.manual_seed(number)
        save_model(tmp_path / f"checkpoint{number}.pt", EncoderDecoder(tiny_config(12)))
    return tmp_path


def test_the_last_epochs(training: Path, run_command) -> None:
    output = training / "average.pt"
    done = run_command("mtdeep", "average", training, "--num-epoch-checkpoints", 2, "--output", output)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(output)]
    assert f"averaging 2: {training / 'checkpoint2.pt'}, {training / 'checkpoint10.pt'}" in done.stderr
    mean, *parts = (read_checkpoint(training / f"{name}.pt") for name in ("average", "checkpoint2", "checkpoint10"))
    assert mean.config == parts[-1].config
    for name, tensor in mean.tensors.items():
        assert torch.equal(tensor, (parts[0].tensors[name].double() + parts[1].tensors[name]).div(2).float())


def test_files(training: Path, run_command) -> None:
    output = training / "average.pt"
    paths = (training / "checkpoint1.pt", training / "checkpoint1.pt")
    done = run_command("mtdeep", "average", *paths, "--output", output)
    assert done.returncode == 0, done.stderr
    for name, tensor in read_checkpoint(output).tensors.items():
        assert torch.equal(tensor, read_checkpoint(paths[0]).tensors[name])


def test_moving_averages(training: Path, run_command) -> None:
    """Of one checkpoint or of several: the file is one to translate with, and has the average once."""
    paths = [training / "checkpoint1.pt", training / "checkpoint2.pt"]
    for path in paths:
        state = torch.load(path, weights_only=False)
        average = {name: tensor + 1 for name, tensor in state["model"].items()}
        torch.save({**state, "extra_state": {"ema": average, "val_loss": 3.0}}, path)
    output = training / "average.pt"
    done = run_command("mtdeep", "average", "--ema", *paths, "--output", output)
    assert done.returncode == 0, done.stderr
    mean, *parts = (read_checkpoint(path).tensors for path in (output, *paths))
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, 1 + (parts[0][name] + parts[1][name]) / 2)
    assert torch.load(output, weights_only=False)["extra_state"] == {"val_loss": 3.0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{}"], r": a folder; say which of its checkpoints, with --num-epoch-checkpoints for one"),
        (["{}", "--num-epoch-checkpoints", "4"], r": has 3 checkpoints of epochs, and 4 are to be averaged\."),
        (["{}/checkpoint1.pt", "--num-epoch-checkpoints", "1"], r"checkpoint1\.pt: not a folder"),
        (["{}", "--num-epoch-checkpoints", "1", "--num-update-checkpoints", "1"], "contradict each other; give one"),
        (["{}", "{}", "--num-update-checkpoints", "1"], "--num-update-checkpoints is for one folder, and there are 2"),
        (["{}/checkpoint1.pt", "--checkpoint-upper-bound", "3"], "--checkpoint-upper-bound needs --num-epoch-checkpo"),
        (["{}/checkpoint3.pt"], r"checkpoint3\.pt: cannot be read \(No such file or directory\)"),
        (["{}/checkpoint1.pt", "--ema"], r"checkpoint1\.pt: has no moving average of its weights; train with"),
        (["{}/checkpoint1.pt", "--output", "{}"], r"--output .*: a folder; give a file"),
        (["{}/checkpoint1.pt", "--output", "{}/none/a.pt"], r"--output .*: there is no folder .*none; make it first"),
    ],
)
def test_what_is_refused(arguments: list[str], sentence: str, training: Path) -> None:
    given = [argument.format(training) for argument in arguments]
    if "--output" not in given:
        given += ["--output", str(training / "average.pt")]
    with pytest.raises(UserError, match=sentence):
        CliRunner().invoke(app, ["average", *given], catch_exceptions=False)
    assert not (training / "average.pt").exists()
