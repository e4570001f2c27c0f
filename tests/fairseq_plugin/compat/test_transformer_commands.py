"""fairseq's own `transformer`, the baseline people compare with, through the plain commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch


def said(done) -> str:
    return done.stdout + done.stderr


def test_checkpoints_hold_each_parameter_once(trained: Path) -> None:
    names = torch.load(trained / "checkpoint_last.pt", weights_only=True)["model"].keys()
    assert "encoder.layers.0.self_attn.q_proj.weight" in names
    assert not [name for name in names if "in_proj" in name or "fc1_weight" in name]


def test_generates_in_a_fresh_process(run_command, databin: Path, trained: Path) -> None:
    path = trained / "checkpoint_best.pt"
    done = run_command("fairseq-generate", databin, "--path", path, "--max-len-b", "10", "--batch-size", "10")
    assert done.returncode == 0, done.stderr
    assert sum(line.startswith("H-") for line in done.stdout.splitlines()) == 10
    assert "Generate test with beam=5: BLEU4 =" in done.stdout


def test_interactive_and_validate(run_command, databin: Path, trained: Path) -> None:
    path = trained / "checkpoint_last.pt"
    done = run_command("fairseq-interactive", databin, "--path", path, "--max-len-b", "5", input="a b c\n")
    assert done.returncode == 0, done.stderr
    assert "\nH-0\t" in done.stdout
    done = run_command("fairseq-validate", databin, "--task", "translation", "--path", path, "--max-tokens", "400")
    assert done.returncode == 0, done.stderr
    assert "valid on 'valid' subset | loss" in said(done)


@pytest.mark.slow
def test_resumes(run_command, transformer, databin: Path, trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "resumed")
    done = run_command(
        "fairseq-train", databin, *transformer, "--max-update", "4", "--save-dir", tmp_path / "resumed"
    )
    assert done.returncode == 0, done.stderr
    assert "(epoch 1 @ 2 updates)" in said(done)
    assert "num_updates=3" in said(done) and "num_updates=2," not in said(done)


@pytest.mark.slow
def test_trains_in_bf16(run_command, transformer, databin: Path, tmp_path: Path) -> None:
    done = run_command(
        "fairseq-train", databin, *transformer, "--bf16", "--max-update", "2", "--save-dir", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "num_updates=2" in said(done)
    weights = torch.load(tmp_path / "checkpoint_last.pt", weights_only=True)["model"]
    matrix = weights["decoder.layers.0.fc1.weight"]  # what the rounded one is made of
    assert matrix.dtype == torch.float32 and not torch.equal(matrix, matrix.bfloat16().float())


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["pytorch_ddp", "legacy_ddp"])
def test_two_processes_on_a_cpu(run_command, transformer, databin: Path, tmp_path: Path, backend: str) -> None:
    flags = [*transformer, "--cpu", "--distributed-world-size", "2", "--ddp-backend", backend, "--save-dir", tmp_path]
    done = run_command("fairseq-train", databin, *flags, "--max-update", "2")
    assert done.returncode == 0, done.stderr
    done = run_command("fairseq-train", databin, *flags, "--max-update", "4")
    assert done.returncode == 0, done.stderr
    assert "(epoch 1 @ 2 updates)" in said(done) and "num_updates=4" in said(done)


@pytest.mark.slow
def test_two_processes_of_the_module_form(transformer, databin: Path, tmp_path: Path) -> None:
    """The children, and their data workers, install the hook themselves."""
    root = Path(__file__).parents[3]
    site = next(path for path in sys.path if path.endswith("site-packages"))
    flags = [*transformer, "--cpu", "--distributed-world-size", "2", "--save-dir", tmp_path]
    command = [Path(sys.base_prefix) / "bin" / "python3", "-m", "mtdeep.fairseq_plugin", "train", databin, *flags]
    done = subprocess.run(
        [*map(str, command), "--max-update", "2"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), site])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "num_updates=2" in said(done)


@pytest.mark.slow
def test_torchrun(run_command, transformer, databin: Path, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("fairseq-train")
    done = run_command(
        *("torchrun", "--nproc_per_node", "2", command, databin, *transformer, "--max-update", "2"),
        *("--save-dir", tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert "training on 2 devices" in said(done)


@pytest.mark.slow
def test_options_that_new_numpy_broke(run_command, transformer, databin: Path, tmp_path: Path) -> None:
    done = run_command(
        *("fairseq-train", databin, *transformer, "--max-update", "2", "--save-dir", tmp_path),
        *("--num-batch-buckets", "4", "--eval-bleu", "--eval-bleu-args", '{"beam": 2, "max_len_b": 10}'),
        *("--best-checkpoint-metric", "bleu", "--maximize-best-checkpoint-metric", "--keep-best-checkpoints", "2"),
    )
    assert done.returncode == 0, done.stderr
    assert "| bleu " in said(done)
