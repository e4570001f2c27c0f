"""Sweeps of a stand-in for fairseq-train: what is repeated, what goes on, what failed, and who is left behind."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
import sweep as sweep_module
import torch
from made_with import made_with
from outcome import Outcome
from sweep import Run, stopped_by, sweep, trained_with

from mtdeep.errors import UserError

# Notes each start and end, logs update 10, and does what --then says.
STAND_IN = """#!/bin/bash
while [ $# -gt 0 ]; do
    case $1 in
        --log-file) log=$2 ;;
        --save-dir) checkpoints=$2 ;;
        --then) then=$2 ;;
    esac
    shift
done
folder=$(dirname $checkpoints)
mkdir -p $checkpoints
touch $checkpoints/checkpoint_best.pt $checkpoints/checkpoint_last.pt
echo $(basename $folder) >> $folder/../starts
echo '{"epoch": 1, "nll_loss": "5", "num_updates": "10", "gnorm": "1.5", "wall": "3"}' >> $log
case $then in
    fail) exit 3 ;;
    diverge) echo 'FloatingPointError: gradients are Nan/Inf'; exit 1 ;;
    wait) while [ ! -e $folder/go ]; do sleep 0.02; done ;;
esac
"""
STAND_IN_SWEEP = """
import sys
from pathlib import Path
import sweep
sweep.COMMANDS = Path(sys.argv[1])
run = sweep.Run("a", "row", "column", 1, 20, ("--then", "wait"))
sweep.sweep([run], Path(sys.argv[2]), Path(sys.argv[3]), 1)
"""
TRAINING = """
import sys
from pathlib import Path
from reproduction import Size, make_run
from sweep import sweep
size = Size(max_tokens=100, width=8, ffn=16, heads=2, updates=300, interval=20)
run = make_run("row", "column", suffix="1", architecture="deepnet_mt", depth=1, size=size, options="--lr 1e-3")
sweep([run], Path(sys.argv[1]), Path(sys.argv[2]), 1)
"""


@pytest.fixture(scope="module")
def store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = {"en": ["one two three four"] * 5, "de": ["eins zwei drei vier"] * 5}
    corpora = {("toy", split): lines for split in ("train", "valid")}
    return write_store(tmp_path_factory.mktemp("data") / "store", ("en", "de"), corpora, 20).path


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin"
    path.mkdir()
    (path / "fairseq-train").write_text(STAND_IN)
    (path / "fairseq-train").chmod(0o755)
    monkeypatch.setattr(sweep_module, "COMMANDS", path)
    return path


@pytest.fixture
def folder(tmp_path: Path, commands: Path) -> Path:
    return tmp_path / "sweep"


def run(name: str, then: str = "end", layers: int = 1) -> Run:
    return Run(name, "row", "column", layers, 20, ("--then", then))


def starts(folder: Path) -> list[str]:
    return (folder / "starts").read_text().split()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_all_are_trained_the_longest_first_and_none_twice(store: Path, folder: Path) -> None:
    runs = [run("short", layers=1), run("long", layers=9), run("middle", layers=3)]
    sweep(runs, store, folder, 1)
    assert starts(folder) == ["long", "middle", "short"]
    sweep([*runs, run("new")], store, folder, 1)
    assert starts(folder) == ["long", "middle", "short", "new"]
    assert {path.name for path in folder.glob("*/checkpoints/*")} == {"checkpoint_last.pt"}
    result = Outcome.read(runs[0], folder / "short")
    assert (result.updates, result.largest_gradient, result.seconds, result.stopped) == (10, 1.5, 3, None)


def test_as_many_at_a_time_as_jobs(store: Path, folder: Path) -> None:
    """Each is let go only when both have begun."""

    def let_go() -> None:
        while not (folder / "starts").exists() or len(starts(folder)) < 2:
            time.sleep(0.02)
        for name in "ab":
            (folder / name / "go").touch()

    thread = Thread(target=let_go, daemon=True)
    thread.start()
    sweep([run("a", "wait"), run("b", "wait")], store, folder, 2)
    assert sorted(starts(folder)) == ["a", "b"]


def test_a_loss_that_is_not_finite_is_a_result(store: Path, folder: Path) -> None:
    sweep([run("a", "diverge")], store, folder, 1)
    assert stopped_by(folder / "a") == "FloatingPointError: gradients are Nan/Inf"
    sweep([run("a", "diverge")], store, folder, 1)
    assert starts(folder) == ["a"]


def test_what_failed_is_named_when_the_others_are_finished_and_tried_again(store: Path, folder: Path) -> None:
    runs = [run("a", "fail", layers=9), run("b")]
    for attempt in (1, 2):
        with pytest.raises(SystemExit, match=r"a, exit code 3: .*output\.txt"):
            sweep(runs, store, folder, 1)
        assert starts(folder) == ["a", "b", "a"][: attempt + 1]


def test_other_options_in_the_same_folder_are_refused(store: Path, folder: Path) -> None:
    sweep([run("a")], store, folder, 1)
    with pytest.raises(UserError, match="holds a training with other options"):
        sweep([run("a", "diverge")], store, folder, 1)


def test_results_do_not_depend_on_the_number_of_processes_that_load_data(store: Path, folder: Path) -> None:
    arguments = run("a").arguments
    sweep([Run("a", "row", "column", 1, 20, ("--num-workers", "0", *arguments))], store, folder, 1)
    sweep([run("a")], store, folder, 1)
    assert starts(folder) == ["a"]


def test_versions_are_recorded_and_added_when_a_training_goes_on_with_others(
    store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are no reason to refuse: who trains for days may update in between. But the report names both."""
    with pytest.raises(SystemExit):
        sweep([run("a", "fail")], store, folder, 1)
    now = made_with("torch", "fairseq", "mtdeep")
    assert trained_with(folder / "a") == [now]
    assert f"Python {platform.python_version()}, torch {torch.__version__}, fairseq 0.12.2" in now
    monkeypatch.setattr(sweep_module, "made_with", lambda *_: "another")
    with pytest.raises(SystemExit):
        sweep([run("a", "fail")], store, folder, 1)
    assert trained_with(folder / "a") == [now, "another"]


def start_python(program: str, arguments: list[str], reproduce: Path) -> subprocess.Popen[bytes]:
    """Run a program of the reproductions' modules as a process of its own."""
    path = os.pathsep.join(filter(None, (str(reproduce), os.environ.get("PYTHONPATH", ""))))
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env={**os.environ, "PYTHONPATH": path})


def start_sweep(commands: Path, store: Path, folder: Path, reproduce: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a sweep of one training that waits; return it and the training's number."""
    process = start_python(STAND_IN_SWEEP, [str(commands), str(store), str(folder)], reproduce)
    wait_for(folder / "a" / "lock")
    return process, int((folder / "a" / "lock").read_text())


def test_a_sweep_that_is_ended_ends_its_trainings(
    store: Path, folder: Path, commands: Path, reproduce: Path, is_alive: Callable[[int], bool]
) -> None:
    process, training = start_sweep(commands, store, folder, reproduce)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert not is_alive(training)
    assert not (folder / "a" / "finished.json").exists()


def test_after_kill_minus_nine_no_training_is_started_twice_at_a_time(
    store: Path, folder: Path, commands: Path, reproduce: Path, is_alive: Callable[[int], bool]
) -> None:
    process, training = start_sweep(commands, store, folder, reproduce)
    process.kill()
    process.wait()
    with pytest.raises(UserError, match=f"process {training}, still goes on"):
        sweep([run("a", "wait")], store, folder, 1)
    (folder / "a" / "go").touch()
    deadline = time.monotonic() + 30
    while is_alive(training):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sweep([run("a", "wait")], store, folder, 1)
    assert starts(folder) == ["a", "a"]
    assert json.loads((folder / "a" / "finished.json").read_text()) == {"stopped": None}


def test_progress_names_what_is_done_what_is_trained_and_the_time_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 + 60 layers times updates; 30 of them in the first minute and 30 left: another minute."""
    done, half = run("done", layers=1), run("half", layers=3)
    now = 1000.0
    monkeypatch.setattr(sweep_module.time, "monotonic", lambda: now)
    clock = sweep_module._Clock([done, half], [half], folder)
    (folder / "half").mkdir(parents=True)
    (folder / "half" / "training.log").write_text('{"epoch": 1, "num_updates": "10"}\n')
    training = sweep_module._Training(half, folder / "half", process=None, lock=None)
    now = 1060.0
    what, percent, total = clock.look([training], [])
    assert what == "1 of 2 trainings done, half at 10/20, about 1 min left"
    assert (percent, total) == (round(100 * 50 / 80), 100)


def test_the_time_left_counts_from_where_a_killed_training_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log was at 16 of 20; it goes on from 5, is at 10 after a minute, and needs two more."""
    killed = run("killed", layers=1)
    log = folder / "killed" / "training.log"
    log.parent.mkdir(parents=True)
    log.write_text('{"epoch": 1, "num_updates": "16"}\n')
    now = 1000.0
    monkeypatch.setattr(sweep_module.time, "monotonic", lambda: now)
    clock = sweep_module._Clock([killed], [killed], folder)
    training = sweep_module._Training(killed, folder / "killed", process=None, lock=None)
    for minute, update in enumerate((5, 10)):
        now = 1000.0 + 60 * minute
        log.write_text(f'{{"epoch": 1, "num_updates": "{update}"}}\n')
        what, _, _ = clock.look([training], [])
    assert what == "0 of 1 trainings done, killed at 10/20, about 2 min left"


@pytest.mark.slow
def test_a_training_goes_on_from_its_checkpoint(store: Path, tmp_path: Path, reproduce: Path) -> None:
    """fairseq itself: ended half-way, it loads what it saved, and the curves are whole."""
    folder = tmp_path / "deepnet-1"
    process = start_python(TRAINING, [str(store), str(tmp_path)], reproduce)
    while not (folder / "checkpoints" / "checkpoint_last.pt").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.terminate()
    process.wait(timeout=30)
    assert not (folder / "finished.json").exists()
    assert start_python(TRAINING, [str(store), str(tmp_path)], reproduce).wait(timeout=200) == 0
    (loaded,) = re.findall(r"Loaded checkpoint .* \(epoch 1 @ (\d+) updates\)", (folder / "output.txt").read_text())
    assert 20 <= int(loaded) < 300
    result = Outcome.read(Run("deepnet-1", "row", "column", 2, 300, ()), folder)
    assert [point.updates for point in result.training] == list(range(10, 301, 10))
    assert [updates for updates, _ in result.validation] == list(range(20, 301, 20))
