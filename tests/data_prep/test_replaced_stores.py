"""What stands where a store is to be: replaced by a whole store alone, and only where it is one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from preparing import contents, generated, prepare

from data_prep.destination import place_for
from mtdeep.corpus.store import Store
from mtdeep.durable import one_writer
from mtdeep.errors import UserError


def test_a_place_that_is_no_store_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(generated(tmp_path), overwrite=True)
    assert (tmp_path / "store" / "thesis.txt").read_text() == "years of work"


def test_a_manifest_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "manifest.json").write_text('{"name": "a browser extension", "format": 3}')
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(generated(tmp_path), overwrite=True)


def truncate_shard(store: Path) -> None:
    os.truncate(store / "shards" / "000000.bin", 100)


def truncate_manifest(store: Path) -> None:
    os.truncate(store / "manifest.json", 300)


def other_version(store: Path) -> None:
    manifest = store / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 7', 1))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            truncate_shard,
            r"store/shards/000000.bin: truncated, expected \d+ bytes and found 100; prepare the store again",
        ),
        (truncate_manifest, r"store/manifest.json: damaged, not JSON"),
        (
            other_version,
            r"store/manifest.json: store format version 7, this mtdeep reads version \d; prepare the store",
        ),
    ],
)
def test_a_store_that_cannot_be_read_is_named_for_what_it_is(
    prepared_folder: Path, damage: Callable[[Path], None], says: str
) -> None:
    config = prepared_folder / "store.yaml"
    damage(prepared_folder / "store")
    with pytest.raises(UserError, match=rf"{says}.* \(--overwrite prepares it again\)$"):
        prepare(config)
    prepare(config, overwrite=True).store.verify()


def test_an_error_leaves_the_old_store_alone(prepared_folder: Path) -> None:
    before = contents(prepared_folder)

    def fail() -> None:
        with place_for(prepared_folder / "store", overwrite=True) as place:
            place.mkdir()
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        fail()
    assert contents(prepared_folder) == before
    assert Store(prepared_folder / "store").languages


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_killed_runs_leave_no_store(tmp_path: Path, number: signal.Signals) -> None:
    config = generated(tmp_path, lines=3000)
    program = (
        "import sys, pathlib, signal; sys.path.insert(0, 'tests/data_prep'); import telling_stages; "
        "from data_prep.prepare import prepare; "
        # A shell's background jobs, and so these tests among them, are born deaf to it.
        "signal.signal(signal.SIGINT, signal.default_int_handler); prepare(pathlib.Path(sys.argv[1]), None)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(config)], cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    while "learn the vocabulary" not in run.stderr.readline():
        assert run.poll() is None
    time.sleep(0.05)
    run.send_signal(number)
    message = f"half-done work lies in {tmp_path / '.store.mtdeep-work'}: the next run for this store goes on with it"
    assert (message in run.stderr.read()) == (number is not signal.SIGKILL)
    assert run.wait(timeout=60) != 0
    assert not (tmp_path / "store").exists()
    if number is signal.SIGTERM:
        assert sorted(p.name for p in tmp_path.iterdir()) == [".store.mtdeep-work", "store.yaml"]
    generated(tmp_path, lines=100)
    assert prepare(config).store.corpora("train")[0].rows == 100
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]


def test_the_work_of_a_process_that_runs_is_not_what_another_may_remove(tmp_path: Path) -> None:
    config = generated(tmp_path, lines=20)
    (tmp_path / ".store.mtdeep-work").mkdir()
    with one_writer(tmp_path / "store"), pytest.raises(UserError, match="another process is writing it") as refused:
        prepare(config)
    assert not hasattr(refused.value, "__notes__")
