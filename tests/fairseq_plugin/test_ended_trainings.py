"""A training that a full disk, Ctrl-C or a cut file ends says what is whole and what it goes on from."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from fairseq import checkpoint_utils
from fairseq.dataclass.configs import CheckpointConfig
from fairseq.distributed import utils as distributed_utils
from fairseq.file_io import PathManager

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.going_on import going_on, what_is_kept
from mtdeep.fairseq_plugin.raised_by_all import raised_by_all
from mtdeep.fairseq_plugin.trainer import Trainer


def saved(path: Path, updates: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    torch.save({"model": {"x": torch.ones(1000)}, "optimizer_history": [{"num_updates": updates}]}, path)
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:1000])
    return path


def changed(path: Path) -> Path:
    """Change a byte of a tensor, as a disk may: torch reads it without a word."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def test_what_the_same_command_goes_on_from(tmp_path: Path) -> None:
    options = CheckpointConfig(save_dir=str(tmp_path))
    assert going_on(options) == "no checkpoint has been written yet, so the same command starts from the beginning"
    assert what_is_kept(options) == going_on(options)
    epoch, last = saved(tmp_path / "checkpoint1.pt", 2000), saved(tmp_path / "checkpoint_last.pt", 1000)
    assert going_on(options) == f"the same command goes on from {last} (update 1,000)"
    both = "checkpoint1.pt (update 2,000), checkpoint_last.pt (update 1,000)"
    assert what_is_kept(options) == f"{both} are whole; {going_on(options)}"
    cut(last)
    assert going_on(options) == f"the same command goes on from {epoch} (update 2,000), as {last} is damaged"
    last.unlink()
    assert going_on(options) == f"the same command with --restore-file {epoch} goes on from update 2,000"
    options.restore_file = "other.pt"
    assert going_on(options) == "the same command starts from other.pt again"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("broken", ["the state", "a copy"])
def test_a_checkpoint_that_the_disk_does_not_take(
    broken: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "checkpoint_last.pt", 10)

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path / "checkpoint2.pt"))

    monkeypatch.setattr(PathManager, "copy", fail)
    trainer = SimpleNamespace(
        data_parallel_rank=0,
        data_parallel_world_size=1,
        consolidate_optimizer=lambda: None,
        should_save_checkpoint_on_current_rank=True,
        get_num_updates=lambda: 20,
        has_news=True,
        checkpoint_suffix="",
        save_checkpoint=fail if broken == "the state" else lambda filename, extra_state: saved(Path(filename), 20),
    )
    position = SimpleNamespace(epoch=2, end_of_epoch=lambda: True, state_dict=dict)
    with pytest.raises(UserError) as problem:
        checkpoint_utils.save_checkpoint(CheckpointConfig(save_dir=str(tmp_path)), trainer, position, None)
    whole = "checkpoint_last.pt (update 10) is whole"
    if broken == "a copy":
        whole = "checkpoint2.pt (update 20), checkpoint_last.pt (update 10) are whole"
    assert str(problem.value) == (
        f"{tmp_path / 'checkpoint2.pt'}: cannot be written ({os.strerror(number)}); make room; {whole}; "
        f"the same command goes on from {tmp_path / 'checkpoint_last.pt'} (update 10)"
    )


@pytest.mark.parametrize("damage", [cut, changed])
def test_the_newest_whole_checkpoint_is_taken_where_the_last_is_damaged(
    damage: Callable[[Path], Path],
    trainer: Callable[..., Trainer],
    save_training,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    last = tmp_path / "checkpoint_last.pt"
    weights = save_training(trainer(), tmp_path / "checkpoint1.pt")["model"]
    damage(shutil.copy(tmp_path / "checkpoint1.pt", last))
    damage(shutil.copy(tmp_path / "checkpoint1.pt", tmp_path / "checkpoint2.pt"))
    torch.manual_seed(1)
    other = trainer()
    with caplog.at_level("WARNING"):
        assert other.load_checkpoint(str(last)) is not None
    assert f"{last}: " in caplog.text and "goes on from checkpoint1.pt (update 0) in its place" in caplog.text
    for name, tensor in weights.items():
        assert torch.equal(other.get_model().state_dict()[name], tensor)
    (tmp_path / "checkpoint1.pt").unlink()
    with pytest.raises(UserError, match=r" has no whole one; remove checkpoint_last\.pt to start from the begin"):
        trainer().load_checkpoint(str(last))


def test_a_damaged_checkpoint_that_is_named_is_refused(trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    last = cut(saved(tmp_path / "checkpoint_last.pt", 30))
    with pytest.raises(UserError, match=r"written to its end\.$"):
        trainer(checkpoint__restore_file=str(last)).load_checkpoint(str(last))


@pytest.fixture
def started(toy_store: Path, long_run: list[str], checkpoints: Path, tmp_path: Path) -> Path:
    """The folder of a training of 120 updates, to go on with."""
    shutil.copytree(checkpoints, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_full_disk_ends_all_processes_with_one_sentence(
    processes: int, toy_store: Path, tiny: list[str], started: Path
) -> None:
    """The limit on a file's size stands for a full disk."""
    size = (started / "checkpoint_last.pt").stat().st_size // 2
    limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); "
    program = Path(sys.executable).with_name("fairseq-train")
    flags = [*tiny, "--max-update", "200", "--updates-per-epoch", "25", "--reset-dataloader"]
    done = subprocess.run(
        [
            *(sys.executable, "-c", limited + "os.execv(sys.argv[2], sys.argv[2:])", str(size), program, toy_store),
            *(*flags, "--save-dir", started, "--distributed-world-size", str(processes)),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("cannot be written (File too large); make room; ") == 1
    last = started / "checkpoint_last.pt"
    assert done.stderr.rstrip().endswith(f"the same command goes on from {last} (update 120)")
    assert not list(started.glob("*.tmp")) and not list(started.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("to_all", [True, False])
@pytest.mark.parametrize("processes", [1, 2])
def test_ctrl_c_ends_all_processes(
    processes: int, to_all: bool, toy_store: Path, tiny: list[str], started: Path, tmp_path: Path, wait_until
) -> None:
    """From a terminal it reaches all processes; `kill -INT` reaches one."""
    log, printed = tmp_path / "log", tmp_path / "printed"
    flags = [*tiny, "--max-update", "100000", "--updates-per-epoch", "100000", "--reset-dataloader"]
    program = Path(sys.executable).with_name("fairseq-train")
    with printed.open("w") as output:
        training = subprocess.Popen(
            [
                *(program, toy_store, *flags, "--save-dir", started, "--log-file", log),
                *("--distributed-world-size", str(processes)),
            ],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    wait_until(lambda: log.exists() and "Start iterating" in log.read_text(), 240)
    (os.killpg if to_all else os.kill)(training.pid, signal.SIGINT)
    assert training.wait(60) == 130
    lines = printed.read_text().splitlines()
    assert not any("Traceback" in line for line in lines)
    goes_on = f"stopped; the same command goes on from {started / 'checkpoint_last.pt'} (update 120)"
    assert [line for line in lines if line.startswith("stopped")] == [goes_on]
    wait_until(lambda: not processes_of(training.pid), 30)


def processes_of(session: int) -> list[str]:
    """Return what still runs of a session; what has ended may wait for its exit code to be read."""
    fields = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields.append(place.read_text().rpartition(")")[2].split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [state for state, _, _, group, *_ in fields if int(group) == session and state != "Z"]


@pytest.mark.slow
def test_ctrl_c_stops_generation_without_a_traceback(
    toy_store: Path, checkpoints: Path, tmp_path: Path, wait_until
) -> None:
    printed = tmp_path / "printed"
    with printed.open("w") as output:
        generation = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("fairseq-generate"), toy_store),
                *("--task", "many_to_many_translation", "-s", "en", "-t", "de", "--gen-subset", "train", "--cpu"),
                *("--path", checkpoints / "checkpoint_last.pt", "--batch-size", "1", "--beam", "20"),
            ],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    wait_until(lambda: "\nH-" in printed.read_text(), 120)
    os.killpg(generation.pid, signal.SIGINT)
    assert generation.wait(60) == 130
    assert "Traceback" not in printed.read_text()
    assert printed.read_text().endswith("stopped\n")  # perhaps behind half a line, in the midst of which it was stopped


@pytest.mark.parametrize(
    ("local_rank", "ends"), [(None, UserError("no room")), ("0", UserError("no room")), ("1", SystemExit(2))]
)
def test_a_launchers_processes_say_it_once_a_machine(
    local_rank: str | None, ends: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process sees it that is not the first of all."""
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local_rank is not None:
        monkeypatch.setenv("LOCAL_RANK", local_rank)
    monkeypatch.setattr(distributed_utils, "broadcast_object", lambda sentence, **options: "no room")
    trainer = SimpleNamespace(data_parallel_world_size=2, tpu=False, data_parallel_process_group=None, device=None)
    with pytest.raises(type(ends)) as ended, raised_by_all(trainer):
        pass
    assert ended.value.args == ends.args
