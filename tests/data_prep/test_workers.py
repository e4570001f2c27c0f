"""The same store, byte for byte, by any number of workers, here or on a cluster, killed or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_prep.prepare import prepare
from mtdeep.corpus.store import Store

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TELLING_STAGES = Path(__file__).with_name("telling_stages.py")
CONFIG = """\
store: {name}/store
work: {name}/work
vocabulary: {{size: 70, character_coverage: 1.0}}
cleaning: {{default: {{language: {{enabled: false}}}}}}
corpora:
  - name: talks
    reader: plain_text
    clean: false
    languages: [en, de, fr]
    splits: {{train: "talks.{{language}}"}}
    holdout: {{valid: 20, test: 0.001}}
  - name: mined
    reader: tsv
    origin: mined
    splits: {{train: {{path: mined.tsv, columns: {{en: 1, de: 2}}, score: 3}}}}
"""
WORDS = ("garden", "window", "morning", "river", "teacher", "horse", "letter", "bread", "mountain", "winter")


def said(language: str, row: str) -> str:
    """Return the row in the language, in which it is no copy of the others."""
    return {"en": row, "de": row[::-1], "fr": row.swapcase().replace("E", "é")}[language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corpora of three chunks and one, with repeats within and between them, and a store of them made here."""
    folder = tmp_path_factory.mktemp("workers")
    rows = [" ".join(WORDS[i // 10**j % 10] for j in range(5)) for i in range(70_000)]
    for language in ("en", "de", "fr"):
        lines = [said(language, row) if (i + ord(language[0])) % 11 else "" for i, row in enumerate(rows)]
        (folder / f"talks.{language}").write_text("".join(f"{line}\n" for line in lines))
    mined = [f"{said('en', row)}\t{said('de', row)}\t{i % 13 / 13}\n" for i, row in enumerate(rows[::30])]
    (folder / "mined.tsv").write_text("".join(mined * 2))
    prepare(config(folder, "here"), None)
    return folder


def config(folder: Path, name: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(CONFIG.format(name=name))
    return path


def contents(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}


def command(config: Path, *options: str) -> list[str]:
    return [sys.executable, str(TELLING_STAGES), "prepare", str(config), *options]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip


def test_what_is_compared_is_worth_it(folder: Path) -> None:
    store = Store(folder / "here" / "store")
    training = [record for record in store.manifest.corpora if record.split == "train"]
    lost = {record.name: record.provenance["account"]["rows"]["rejected"] for record in training}
    assert lost["mined"]["repeats another row"] > 2334  # each is there twice, and most are in the talks
    assert lost["talks"]["held out for valid"] == 20 and lost["talks"]["held out for test"] > 40
    assert {record.split for record in store.manifest.corpora} == {"train", "valid", "test"}
    assert len(list((folder / "here" / "work" / "clean").iterdir())) == 10
    assert {"manifest.json", "report/index.html", "report/report.json"} < contents(folder / "here" / "store").keys()


def test_four_processes(folder: Path) -> None:
    run = start(command(config(folder, "four"), "--workers", "4"))
    assert run.communicate(timeout=300)[1] and run.returncode == 0
    assert contents(folder / "four" / "store") == contents(folder / "here" / "store")


@pytest.mark.parametrize("stage", ["clean", "encode", "write the store"])
def test_two_that_are_killed_and_started_again(folder: Path, stage: str) -> None:
    name = f"killed-{stage.split()[0]}"
    run = start(command(config(folder, name), "--workers", "2"))
    assert run.stderr is not None
    while f"] {stage}" not in (line := run.stderr.readline()):
        assert line, "ended before it was killed"
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (folder / name / "store").exists()
    done = {path: path.stat().st_mtime_ns for path in (folder / name / "work").glob("*/*/record.json")}
    assert len(done) >= 2  # what was read
    again = start(command(config(folder, name), "--workers", "2"))
    said = again.communicate(timeout=300)[1]
    assert again.returncode == 0, said
    assert contents(folder / name / "store") == contents(folder / "here" / "store")
    assert {path: path.stat().st_mtime_ns for path in done} == done


@pytest.fixture
def scheduler(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A dask scheduler and two workers on this machine."""
    file = folder / "scheduler.json"
    started = [start([sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard",
                      "--host", "127.0.0.1", "--scheduler-file", str(file)])]  # fmt: skip
    try:
        while not file.exists():
            time.sleep(0.1)
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1",
                  "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]  # fmt: skip
        started += [start(worker) for _ in range(2)]
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_cluster_of_which_a_worker_is_killed(
    folder: Path, scheduler: tuple[str, list[subprocess.Popen[str]]]
) -> None:
    address, workers = scheduler
    run = start(command(config(folder, "cluster"), "--scheduler", address))
    assert run.stderr is not None
    while "] clean" not in (line := run.stderr.readline()):
        assert line, "ended before a worker was killed"
    workers[0].kill()
    said = run.communicate(timeout=300)[1]
    assert run.returncode == 0, said
    assert contents(folder / "cluster" / "store") == contents(folder / "here" / "store")


def test_no_scheduler_is_a_sentence(folder: Path) -> None:
    run = start(command(config(folder, "nowhere"), "--scheduler", "tcp://127.0.0.1:9"))
    said = run.communicate(timeout=120)[1]
    assert run.returncode == 2
    assert "tcp://127.0.0.1:9: no dask scheduler answers" in said
