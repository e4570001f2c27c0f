"""Trainings with --depth-rates as a user starts them: in processes, killed, from a file; what is logged and refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from mtdeep.checkpoint import load_plain, read_checkpoint

RULE = ("--depth-rates", "adam")
FACTOR = 0.66203
"""0.87 / 0.81 (2^4 3)^(-1/8): an encoder of two layers that three read."""


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path).tensors


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--update-freq", "2", "--amp")], ids=" ".join)
def test_two_processes(options: tuple[str, ...], toy_store: Path, tmp_path: Path, run_command, tiny) -> None:
    """The warm-up's first rate is 0, so that the second update starts from the initial weights."""
    flags = (*tiny, *options, "--distributed-world-size", "2", "--find-unused-parameters", "--max-update", "2")
    steps = []
    for rule in (RULE, ()):
        folder = tmp_path / (rule[-1] if rule else "none")
        done = run_command(
            "fairseq-train", toy_store, *flags, *rule, "--save-interval-updates", 1, "--save-dir", folder
        )
        assert done.returncode == 0, done.stderr
        first, second = (tensors(folder / f"checkpoint_1_{update}.pt") for update in (1, 2))
        steps.append({name: second[name] - first[name] for name in first})
    for name, slow in steps[0].items():
        expected = steps[1][name] * (FACTOR if name.startswith("encoder.layers.") else 1)
        torch.testing.assert_close(slow, expected, rtol=1e-3, atol=1.2e-7)  # rounding of parameters of about 1
        assert expected.any()


@pytest.mark.slow
def test_killed_and_started_again_without_the_flag(
    toy_store: Path, tmp_path: Path, run_command, long_run
) -> None:
    options = [*long_run, "--save-interval-updates", "30"]
    done = run_command("fairseq-train", toy_store, *options, *RULE, "--save-dir", tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [Path(sys.executable).with_name("fairseq-train"), toy_store, *options, *RULE, "--save-dir", folder],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (folder / "checkpoint_2_30.pt").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = run_command("fairseq-train", toy_store, *options, "--save-dir", folder)
    assert done.returncode == 0, done.stderr
    whole, resumed = (tensors(tmp_path / name / "checkpoint_last.pt") for name in ("whole", "killed"))
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name
    assert read_checkpoint(folder / "checkpoint_last.pt").provenance.depth_rates == "adam"


def logged_rates(log: str) -> dict[int, float]:
    lines = re.findall(r"\| train_inner \| (\{.*\})$", log, re.M)
    return {int(entry["num_updates"]): float(entry["lr"]) for entry in map(json.loads, lines)}


@pytest.mark.slow
def test_the_log_and_the_smallest_rate_know_the_schedules_alone(
    toy_store: Path, tmp_path: Path, run_command, tiny
) -> None:
    """The rate falls by 0.0005 an update to --stop-min-lr, which is looked at after epochs of two updates."""
    cut = tiny.index("--lr-scheduler")
    flags = [*tiny[:cut], *tiny[cut + 4 :], "--log-format", "json", "--log-interval", "1", "--updates-per-epoch", "2"]
    flags += ["--lr-scheduler", "polynomial_decay", "--total-num-update", "10", "--stop-min-lr", "0.0031"]
    logs = []
    for rule in (RULE, ()):
        done = run_command(
            "fairseq-train", toy_store, *flags, *rule, "--max-epoch", 9, "--save-dir", tmp_path / "-".join(rule)
        )
        assert done.returncode == 0, done.stderr
        logs.append(logged_rates(done.stdout + done.stderr))
    assert logs[0] == logs[1]
    assert logs[0] == pytest.approx({update: 0.005 - 0.0005 * update for update in (1, 2, 3, 4)})


@pytest.mark.slow
def test_a_configuration_file_asks_for_it(toy_store: Path, tmp_path: Path, run_command) -> None:
    """In a folder of its own, as the section `optimization` of `fairseq-hydra-train`."""
    parts = {
        "task": {"_name": "many_to_many_translation", "data": str(toy_store)},
        "model": {"_name": "deepnet_mt", "encoder_layers": 2, "decoder_layers": 3, "encoder_embed_dim": 16},
        "criterion": {"_name": "label_smoothed_linear_cross_entropy"},
        "optimizer": {"_name": "torch_adam"},
        "lr_scheduler": {"_name": "fixed"},
        "optimization": {"max_update": 2, "lr": [0.005], "depth_rates": "adam"},
        "dataset": {"max_tokens": 400},
        "checkpoint": {"save_dir": str(tmp_path / "run")},
        "common": {"cpu": True},
    }
    (tmp_path / "training.yaml").write_text("# @package _global_\n" + yaml.safe_dump(parts))
    command = ("fairseq-hydra-train", "--config-dir", tmp_path, "--config-name", "training")
    done = run_command(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert load_plain(tmp_path / "run" / "checkpoint_last.pt")["optimizer_history"][-1]["depth_rates"] == "adam"
    done = run_command(*command, "optimization.depth_rates=late", cwd=tmp_path)
    assert done.returncode == 2
    assert "late" in done.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--arch", "preln_mt"], "no rule 'adam' was found for scheme preln, which trains without one: leave it out"),
        (["--arch", "transformer"], "--depth-rates adam is for the architectures of mtdeep"),
        (["--optimizer", "sgd"], "--depth-rates adam is for --optimizer adam and torch_adam, not sgd"),
    ],
)
def test_what_it_does_not_go_with_ends_in_one_sentence(
    arguments: list[str], sentence: str, toy_store: Path, tmp_path: Path, run_command, tiny
) -> None:
    done = run_command(
        "fairseq-train", toy_store, *tiny, *RULE, *arguments, "--max-update", 1, "--save-dir", tmp_path
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ") and sentence in last
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_checkpoint_of_another_rule(
    processes: int, toy_store: Path, checkpoints: Path, tmp_path: Path, run_command, tiny
) -> None:
    """It is refused, but as a start of another training."""
    shutil.copy(checkpoints / "checkpoint_2_30.pt", tmp_path / "checkpoint_last.pt")
    last = tmp_path / "checkpoint_last.pt"
    train = ("fairseq-train", toy_store, *tiny, *RULE, "--distributed-world-size", processes)
    if processes > 1:
        train = (*train, "--find-unused-parameters")
    done = run_command(*train, "--max-update", 40, "--save-dir", tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"error: {last}: its training had --depth-rates none, and this one has adam: leave it out, or start the "
        "optimizer anew with --reset-optimizer."
    )
    others = {
        "reset": ("--restore-file", last, "--reset-optimizer", "--reset-dataloader"),
        "other": ("--finetune-from-model", last),
    }
    for name, start in others.items():
        done = run_command(*train, *start, "--max-update", 1, "--save-dir", tmp_path / name)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_completep_goes_on_in_two_processes(toy_store: Path, tmp_path: Path, run_command, tiny) -> None:
    """1/m of three decoder layers for one: the epsilon of a group of its own; a name of fairseq's is not met by it."""
    flags = (*tiny, "--arch", "preln_mt", "--tuned-depth", "1", "--depth-rates", "completep", "--save-dir", tmp_path)
    processes = ("--distributed-world-size", "2", "--find-unused-parameters")
    for updates in ("2", "4"):
        done = run_command("fairseq-train", toy_store, *flags, *processes, "--max-update", updates)
        assert done.returncode == 0, done.stderr
    state = load_plain(tmp_path / "checkpoint_last.pt")
    assert state["optimizer_history"][-1]["num_updates"] == 4
    factors = {group["epsilon_factor"] for group in state["last_optimizer_state"]["param_groups"]}
    assert factors == {1.0, 1 / 2, 1 / 3}
