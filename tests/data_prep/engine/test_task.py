"""A result is whole or not there, and is found by what it was made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import stand_in

from data_prep.engine.task import RECORD, Step, Task, carry_out, digest_of, finished
from mtdeep.errors import UserError

COUNT = Step("count", stand_in.note, revision=1)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return COUNT.task("number 7", {"number": 7}, {"number": 7, "calls": tmp_path / "calls"})


def test_a_result_is_found_again_with_its_files_and_record(task: Task, tmp_path: Path) -> None:
    assert finished(task, tmp_path) is None
    made = carry_out(task, tmp_path)
    assert finished(task, tmp_path) == made
    assert made.record == {"number": 7} and (made.folder / "number.txt").read_text() == "7"
    assert made.folder == tmp_path / "count" / task.key


def test_the_key_is_of_the_content_not_of_names_and_places(task: Task, tmp_path: Path) -> None:
    elsewhere = replace(task, name="another", arguments={"number": 7, "calls": tmp_path / "other"})
    assert elsewhere.key == task.key
    assert replace(task, content={"number": 8}).key != task.key
    for step in (replace(COUNT, name="other"), replace(COUNT, revision=2)):
        assert replace(task, step=step).key != task.key
    assert replace(task, versions={"lxml": "9.9"}).key != task.key
    assert replace(task, content={"a": 1, "b": 2}).key == replace(task, content={"b": 2, "a": 1}).key


def another_number(folder: Path) -> None:
    record = (folder / RECORD).read_text()
    (folder / RECORD).write_text(record.replace('"number": 7', '"number": 1'))


def a_folder(folder: Path) -> None:
    (folder / RECORD).unlink()
    (folder / RECORD).mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated file": lambda folder: (folder / "number.txt").write_text(""),
    "missing file": lambda folder: (folder / "number.txt").unlink(),
    "no record": lambda folder: (folder / RECORD).unlink(),
    "half a record": lambda folder: (folder / RECORD).write_text("{"),
    "no UTF-8": lambda folder: (folder / RECORD).write_bytes(b"\xff"),
    "zeros": lambda folder: (folder / RECORD).write_bytes(bytes(200)),
    "another document": lambda folder: (folder / RECORD).write_text("[]"),
    "a deep document": lambda folder: (folder / RECORD).write_text("[" * 100_000),
    "another number": another_number,
    "a folder": a_folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_is_made_again(task: Task, tmp_path: Path, damage: str) -> None:
    made = carry_out(task, tmp_path)
    DAMAGES[damage](made.folder)
    assert finished(task, tmp_path) is None
    assert carry_out(task, tmp_path) == made
    assert (made.folder / "number.txt").read_text() == "7"


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    task = replace(COUNT, run=stand_in.refuse).task("bad", {}, {"number": 3})
    with pytest.raises(UserError, match="input 3 is damaged"):
        carry_out(task, tmp_path)
    assert not list((tmp_path / "count").iterdir())


def test_the_record_says_what_was_made_of_what(task: Task, tmp_path: Path) -> None:
    document = json.loads((carry_out(task, tmp_path).folder / RECORD).read_text())
    assert document.pop("xxh3_128") == digest_of(document)
    assert document == {
        "task": "number 7",
        "step": "count",
        "revision": 1,
        "versions": {},
        "content": {"number": 7},
        "files": {"number.txt": 1},
        "record": {"number": 7},
    }
