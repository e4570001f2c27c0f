"""Damaged work folders, half stores and odd things where the store shall stand: done again, or told."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from writing import write

from data_prep.engine.task import RECORD
from mtdeep.corpus.manifest import MANIFEST

CORPUS = "- {name: odd, reader: plain_text, clean: false, splits: {train: {en: a.en, de: a.de}}}"
LEARNED = {"size": 20, "character_coverage": 1.0}
DAMAGED = r"damaged; remove the folder that it is in, and prepare again"
Check = Callable[..., str]
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def made(prepare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and all the work of it."""
    folder = tmp_path_factory.mktemp("made")
    write(folder / "a.en", "the dog\nthe man\nsees\n")
    write(folder / "a.de", "der Hund\nder Mann\nsieht\n")
    done = prepare(folder, CORPUS, vocabulary=LEARNED, work="work")
    assert done.code == 0, done
    return folder


def with_work(made: Path, folder: Path) -> Path:
    """Copy the inputs and the work, not the store."""
    shutil.copytree(made, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("store"))
    return folder / "work"


def result(work: Path, stage: str) -> Path:
    (folder,) = (work / stage).iterdir()
    return folder


def zeros(work: Path, stage: str) -> None:
    """What a disk leaves of files that were not written when the power went: their sizes."""
    for path in result(work, stage).iterdir():
        if path.name != RECORD:
            path.write_bytes(bytes(path.stat().st_size))


def a_bit(work: Path, stage: str) -> None:
    (path,) = (path for path in result(work, stage).iterdir() if path.name != RECORD)
    content = bytearray(path.read_bytes())
    content[200] ^= 1  # of a vocabulary, which still loads
    path.write_bytes(content)


def a_file(path: Path) -> None:
    shutil.rmtree(path)
    write(path, "x")


AGAIN: dict[str, Change] = {
    "no work": shutil.rmtree,
    "a truncated chunk": lambda work: write(next(result(work, "read").glob("*.text")), "MTDCHUNK"),
    "half a record": lambda work: write(result(work, "clean") / RECORD, '{"task": "odd, tr'),
    "a record of another form": lambda work: write(result(work, "select") / RECORD, '{"files": {}, "record": null}'),
    "a record of zeros": lambda work: write(result(work, "encode") / RECORD, bytes(99)),
    "a dictionary of zeros": lambda work: write(next((work / "dictionaries").iterdir()), bytes(99)),
    "what a killed run left": lambda work: (work / "read" / ".partial-abcdefgh").mkdir(),
}
TOLD: dict[str, tuple[Change, str]] = {
    "text of zeros": (lambda work: (zeros(work, "read"), shutil.rmtree(work / "clean")), rf"work/read/.*: {DAMAGED}"),
    "tokens of zeros": (lambda work: zeros(work, "encode"), rf"work/encode/.*: {DAMAGED}"),
    "a vocabulary of zeros": (lambda work: zeros(work, "learn"), rf"work/learn/.*/subwords\.model: {DAMAGED}"),
    "a vocabulary with another bit": (lambda work: a_bit(work, "learn"), rf"/learn/.*/subwords\.model: {DAMAGED}"),
    "a stage that is a file": (lambda work: a_file(work / "read"), r"work/read: cannot be written \(File exists"),
    "a result that is a file": (lambda work: a_file(result(work, "read")), r"/read/.*: cannot be written \(Not a"),
    "dictionaries in a file": (lambda work: a_file(work / "dictionaries"), r"/dictionaries: cannot be written"),
}


@pytest.mark.parametrize("name", AGAIN)
def test_damaged_work_is_done_again(prepare, made: Path, tmp_path: Path, name: str) -> None:
    AGAIN[name](with_work(made, tmp_path))
    done = prepare(tmp_path, CORPUS, vocabulary=LEARNED, work="work")
    assert done.code == 0, done
    for path in (made / "store").rglob("*.bin"):
        assert path.read_bytes() == (tmp_path / "store" / path.relative_to(made / "store")).read_bytes()


@pytest.mark.parametrize("name", TOLD)
def test_damaged_work_is_told(prepare, sentence: Check, made: Path, tmp_path: Path, name: str) -> None:
    change, expected = TOLD[name]
    change(with_work(made, tmp_path))
    found = sentence(prepare(tmp_path, CORPUS, vocabulary=LEARNED, work="work"), tmp_path)
    assert re.search(expected, found), found


def half(folder: Path) -> None:
    (folder / "store").mkdir()
    write(folder / "store" / MANIFEST, '{"format": "mtdeep-store", "version": 1, "vocab')


def text(name: str) -> Change:
    return lambda folder: write(folder / name, "years of work")


PLACES: dict[str, tuple[Change, str]] = {
    "a file": (text("store"), r"FOLDER/store: exists and is no store; remove it, or give another place"),
    "half a store": (half, r"FOLDER/store/manifest\.json: damaged, not JSON .* \(--overwrite prepares it again\)"),
    "a link to itself": (lambda folder: (folder / "store").symlink_to("store"), r"cannot be written \(Not a"),
    "a file where it is written": (text(".store.mtdeep-new"), r"FOLDER/\.store\.mtdeep-new: exists already; remove it"),
    "a folder as the lock": (
        lambda folder: (folder / ".store.mtdeep-lock").mkdir(), r"mtdeep-lock: cannot be written \(Is a"
    ),
    "a file where work is done": (text(".store.mtdeep-work"), r"mtdeep-work/read: cannot be written \(Not a"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_what_stands_where_the_store_shall(prepare, made: Path, tmp_path: Path, name: str) -> None:
    """Told, and left as it is."""
    change, expected = PLACES[name]
    for language in ("en", "de"):
        shutil.copy(made / f"a.{language}", tmp_path)
    change(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = prepare(tmp_path, CORPUS)
    said, *_ = done.said
    assert done.code == 2 and re.search(expected, said.replace(str(tmp_path), "FOLDER")), said
    after = [path for path in tmp_path.rglob("*") if ".store.mtdeep-work" not in path.parts[len(tmp_path.parts) : -1]]
    assert set(after) - set(before) <= {tmp_path / "corpora.yaml", tmp_path / ".store.mtdeep-work"}
    assert all(os.path.lexists(path) for path in before)


@pytest.mark.parametrize("there", [False, True])
def test_a_store_on_another_disk(prepare, accounts, made: Path, tmp_path: Path, there: bool) -> None:
    """A link, to a folder that is made or replaced; it stays a link, and nothing stays beside it."""
    for language in ("en", "de"):
        shutil.copy(made / f"a.{language}", tmp_path)
    (tmp_path / "store").symlink_to("disk")
    if there:
        shutil.copytree(made / "store", tmp_path / "disk")
    done = prepare(tmp_path, CORPUS, "--overwrite")
    assert done.code == 0, done
    assert (tmp_path / "store").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.de", "a.en", "corpora.yaml", "disk", "store"]
    assert accounts(tmp_path / "disk")["odd", "train"]["rows"]["kept"] == 3


def test_what_is_no_store_is_never_taken_for_the_one_before(prepare, made: Path, tmp_path: Path) -> None:
    for language in ("en", "de"):
        shutil.copy(made / f"a.{language}", tmp_path)
    write(tmp_path / ".store.mtdeep-replaced", "years of work")
    assert prepare(tmp_path, CORPUS).code == 0
    assert (tmp_path / ".store.mtdeep-replaced").read_text() == "years of work"
