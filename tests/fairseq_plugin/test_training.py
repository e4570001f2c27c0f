"""Training from a store with the commands as a user types them: it learns, and goes on where it was stopped."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint import read_checkpoint

SCRIPTS = Path(sys.executable).parent


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path).tensors


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def test_training_says_what_it_will_see_and_learns(toy_store: Path, tmp_path: Path, run_command, tiny) -> None:
    result = run_command("fairseq-train", toy_store, *tiny, "--max-update", 30, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    log = result.stdout + result.stderr
    assert "12 directions, 4,800 sentence pairs, 0 too long and left out" in log
    assert "en-zh_Hans: 400 pairs, 8.33% of those drawn" in log
    losses = [float(x) for x in re.findall(r"train_inner.*? loss=([\d.]+)", log)]
    assert losses[-1] < losses[0] - 0.5


def test_resume_after_a_kill_gives_the_same_model(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command, long_run
) -> None:
    shutil.copy(checkpoints / "checkpoint_2_30.pt", tmp_path / "checkpoint_last.pt")
    result = run_command("fairseq-train", toy_store, *long_run, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    assert_same(tensors(tmp_path / "checkpoint_last.pt"), tensors(checkpoints / "checkpoint_last.pt"))


def test_a_training_that_is_over_makes_no_update_more(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command, long_run
) -> None:
    """It is saved where that is new: into another folder, or with a validation that was not made."""
    last, other = tmp_path / "run" / "checkpoint_last.pt", tmp_path / "other"
    last.parent.mkdir()
    shutil.copy(checkpoints / "checkpoint_last.pt", last)
    before = last.read_bytes()
    result = run_command("fairseq-train", toy_store, *long_run, "--save-dir", last.parent)
    assert result.returncode == 0, result.stderr
    assert "nothing new to save" in result.stdout + result.stderr and validation_losses(result)
    assert last.read_bytes() == before
    assert sorted(path.name for path in last.parent.iterdir()) == [last.name, "run.json"]
    result = run_command("fairseq-train", toy_store, *long_run, "--restore-file", last, "--save-dir", other)
    assert result.returncode == 0, result.stderr
    assert_same(tensors(other / "checkpoint_last.pt"), tensors(last))
    state = torch.load(last, weights_only=False)
    state["extra_state"]["val_loss"] = None
    torch.save(state, last)
    result = run_command("fairseq-train", toy_store, *long_run, "--save-dir", last.parent)
    assert result.returncode == 0, result.stderr
    assert (last.parent / "checkpoint_best.pt").exists()


@pytest.mark.slow
def test_activation_checkpointing_changes_no_bit_of_the_training(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command, long_run
) -> None:
    result = run_command("fairseq-train", toy_store, *long_run, "--checkpoint-activations", "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    assert_same(tensors(tmp_path / "checkpoint_last.pt"), tensors(checkpoints / "checkpoint_last.pt"))


@pytest.mark.slow
def test_two_processes_train_the_model_that_one_trains_with_twice_the_batches(
    toy_store: Path, tmp_path: Path, run_command, tiny
) -> None:
    """--find-unused-parameters and an untied projection: the weight that the criterion reads belongs to the forward.

    Processes of ours are spawned, and those of torchrun are not; in both the data workers validate and end.
    """
    untied = [option for option in tiny if option != "--share-all-embeddings"]
    training = ("fairseq-train", toy_store, *untied, "--max-update", 12, "--updates-per-epoch", 6, "--dropout", 0)
    torchrun = ("torchrun", "--nproc_per_node", 2, SCRIPTS / training[0], *training[1:])
    runs = {
        "one": (*training, "--update-freq", 2),
        "two": (*training, "--distributed-world-size", 2, "--find-unused-parameters"),
        "torchrun": (*torchrun, "--find-unused-parameters"),
    }
    losses = {}
    for name, command in runs.items():
        result = run_command(*command, "--save-dir", tmp_path / name)
        assert result.returncode == 0, result.stderr
        losses[name] = validation_losses(result)
        assert len(losses[name]) == 2
    one, *others = (tensors(tmp_path / name / "checkpoint_last.pt") for name in runs)
    for other in others:
        assert one.keys() == other.keys()
        for name, tensor in one.items():
            torch.testing.assert_close(tensor, other[name], rtol=1e-4, atol=1e-5)
    for name in ("two", "torchrun"):
        assert losses[name] == pytest.approx(losses["one"], abs=2e-3)
    for size in (("--max-tokens", 400), ("--batch-size", 10_000)):  # of one batch, the second process has none
        result = run_command(
            "fairseq-validate", toy_store, "--task", "many_to_many_translation", *size, "--cpu",
            "--path", tmp_path / "two" / "checkpoint_last.pt", "--distributed-world-size", 2,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert validation_losses(result)[-1] == pytest.approx(losses["two"][-1], abs=2e-3)


def validation_losses(result: subprocess.CompletedProcess[str]) -> list[float]:
    lines = re.findall(r"valid on 'valid' subset \|.*?\bloss ([\d.]+)", result.stdout + result.stderr)
    return [float(loss) for loss in lines]


@pytest.mark.slow
def test_bf16_trains_and_generates(toy_store: Path, tmp_path: Path, run_command, tiny) -> None:
    result = run_command("fairseq-train", toy_store, *tiny, "--bf16", "--max-update", 30, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    losses = [float(x) for x in re.findall(r"train_inner.*? loss=([\d.]+)", result.stdout + result.stderr)]
    assert losses[-1] < losses[0] - 0.5
    result = run_command(
        "fairseq-generate", toy_store, "--task", "many_to_many_translation", "-s", "en", "-t", "de", "--cpu",
        "--max-len-b", 20, "--path", tmp_path / "checkpoint_last.pt",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_amp_trains_parameters_in_float32(toy_store: Path, tmp_path: Path, run_command, tiny) -> None:
    result = run_command("fairseq-train", toy_store, *tiny, "--amp", "--max-update", 30, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    log = result.stdout + result.stderr
    losses = [float(x) for x in re.findall(r"train_inner.*? loss=([\d.]+)", log)]
    assert losses[-1] < losses[0] - 0.5
    assert "torch.cuda.amp" not in log and "autocast" not in log, "a warning at every step"
    matrix = tensors(tmp_path / "checkpoint_last.pt")["decoder.layers.0.fc1.weight"]
    assert matrix.dtype == torch.float32
    assert not torch.equal(matrix, matrix.bfloat16().float())


@pytest.mark.slow
def test_english_centric_directions(toy_store: Path, tmp_path: Path, run_command, tiny) -> None:
    result = run_command(
        "fairseq-train", toy_store, *tiny, "--max-update", 2, "--save-dir", tmp_path, "--directions", "centric:en",
        "--encoder-tag", "tgt", "--sampling-method", "capped", "--sampling-temperature", "inf",
        "--sampling-max-epochs", 2.5, "--sampling-budget", 6000,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    log = result.stdout + result.stderr
    assert "6 directions" in log
    assert re.search(r"2 updates draw about \d+ sentence pairs; \d+\.\d% of what their batches hold is padding", log)
    assert "de-fr" not in log


@pytest.mark.slow
def test_another_training_may_start_from_a_checkpoint(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command, tiny
) -> None:
    """Fewer directions and more dropout are the run's own affair; what was learnt is still there."""
    result = run_command(
        "fairseq-train", toy_store, *tiny, "--finetune-from-model", checkpoints / "checkpoint_last.pt", "--dropout",
        "0.2", "--directions", "en-de", "--max-update", 2, "--log-interval", 1, "--save-dir", tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    log = result.stdout + result.stderr
    losses = [float(x) for x in re.findall(r"train_inner.*? loss=([\d.]+)", log)]
    assert losses and max(losses) < 5, "an untrained model has log2 of the vocabulary, 6.6"


@pytest.mark.slow
def test_what_may_change_when_a_training_goes_on(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command, tiny
) -> None:
    shutil.copy(checkpoints / "checkpoint_2_30.pt", tmp_path / "checkpoint_last.pt")
    result = run_command(
        "fairseq-train", toy_store, *tiny, "--updates-per-epoch", 25, "--max-update", 31, "--dropout", 0.3,
        "--checkpoint-activations", "--save-dir", tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert read_checkpoint(tmp_path / "checkpoint_last.pt").provenance.updates == 31
