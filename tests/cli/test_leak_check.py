"""`mtdeep leak-check` as a user runs it: exit codes, table, JSON, going on after a kill; one sentence for bad input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from mtdeep.cli.leak_check import leak_check
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError

LINES = 300
LEAKED = "The old man in the green coat walks slowly along the river with his two small dogs every morning."
SPACED = LEAKED.upper().replace(" ", "  ")
LAST_WORD = "A young woman sells bread and cheese and red apples at the corner of the market from nine until five."
PUNCTUATED = "Three tired climbers rest on a narrow ledge high above the valley and look at the snow on the far side."
GERMAN = "Ein Satz, der in beiden steht."


def lines_of(words: str, count: int) -> list[str]:
    """Sentences of eight words, none of which are near one another."""
    few = words.split()
    return [" ".join(few[(i * 7 + j * (i + 3)) % len(few)] + str((i * j) % 97) for j in range(8)) for i in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.LANG, leaked.LANG, clean.LANG.

    Of the leaked ones three are in the English training text, equal but for case and blanks, with a word changed, and
    with commas put in, and one in the German, where it meets another translation.
    """
    path = tmp_path_factory.mktemp("text")
    english, german = lines_of("dog cat cow hen man boy girl owl", LINES), lines_of("hund katze kuh huhn mann", LINES)
    corpora = {
        "train": (
            [*english, SPACED, LAST_WORD.replace("five", "six"), PUNCTUATED.replace(" on", ", on"), "Another one."],
            [*german, "etwas anderes", "noch etwas", "und noch etwas", GERMAN],
        ),
        "leaked": (
            [LEAKED, LAST_WORD, PUNCTUATED, "A sentence that is in both."],
            ["Der alte Mann.", "Die junge Frau.", "Drei Bergsteiger.", GERMAN],
        ),
        "clean": (["nothing like it"], ["nichts davon"]),
    }
    for name, sides in corpora.items():
        for language, side in zip(("en", "de"), sides, strict=True):
            (path / f"{name}.{language}").write_text("".join(f"{line}\n" for line in side))
    return path


def given(name: str) -> list[str]:
    return ["--train", "train.{language}", "--test", f"{name}.{{language}}", "--languages", "en,de", "--workers", "1"]


@pytest.mark.slow
def test_leaks_are_said_and_counted(run_command, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    report = tmp_path / "report.json"
    done = run_command(
        "mtdeep", "leak-check", *given("leaked"), "--json", report, "--work", tmp_path / "work", cwd=folder
    )
    assert done.returncode == 1, done.stderr
    assert "Sentences of test sets that are in training text" in done.stdout
    assert f"training {SPACED}" in done.stdout and f"test     {GERMAN}" in done.stdout
    assert "sentences of test sets found: 4, in 608 training" in done.stdout
    found = json.loads(report.read_text())["tests"]["leaked.{language}"]["languages"]
    assert (found["en"]["exact"], found["en"]["near"]) == (1, 2)
    assert (found["de"]["exact"], found["de"]["near"]) == (1, 0)


@pytest.mark.slow
def test_clean_text_ends_with_0(run_command, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = run_command("mtdeep", "leak-check", *given("clean"), "--work", tmp_path / "work", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "sentences of test sets found: 0, in 608 training" in done.stdout


@pytest.mark.slow
def test_a_store_is_searched_for_its_own_splits(  # type: ignore[no-untyped-def]
    run_command, write_store, folder: Path, tmp_path: Path
) -> None:
    columns = {
        name: {code: (folder / f"{name}.{code}").read_text().splitlines() for code in ("en", "de")}
        for name in ("train", "leaked", "clean")
    }
    corpora = {("news", "train"): columns["train"], ("a", "valid"): columns["clean"], ("a", "test"): columns["leaked"]}
    store = write_store(tmp_path / "store", ("en", "de"), corpora, 120)
    done = run_command("mtdeep", "leak-check", store.path, "--workers", "1", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "a/test, en: exact, similarity 1.00, news row 300" in done.stdout
    assert "a/valid: nothing found in 2 languages searched" in done.stdout
    assert (tmp_path / "leak-check").is_dir() and "folder leak-check/: what was read and found, kept" in done.stdout


@pytest.mark.slow
def test_a_killed_run_goes_on(run_command, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    command = ["leak-check", *given("leaked"), "--work", str(tmp_path / "work")]
    program = shutil.which("mtdeep", path=str(Path(os.sys.executable).parent))
    assert program
    running = subprocess.Popen([program, *command], cwd=folder, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "work").glob("read/*/record.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").glob("*/[0-9a-f]*/record.json")}
    assert before
    done = run_command("mtdeep", *command, cwd=folder)
    assert done.returncode == 1, done.stderr
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())


@pytest.fixture
def store(folder: Path, write_store, tmp_path: Path) -> Store:  # type: ignore[no-untyped-def]
    columns = {code: (folder / f"leaked.{code}").read_text().splitlines() for code in ("en", "de")}
    return write_store(tmp_path / "store", ("en", "de"), {("a", "valid"): columns}, 50)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "give a store, or training corpora with --train"),
        ({"store": Path("store"), "train": ["a.{language}"]}, "one of the two"),
        ({"train": ["train.{language}"]}, "--train needs test sets"),
        ({"store": Path("nothing")}, "nothing: not a store, there is no such directory"),
        ({"store": Path("store")}, "store: no split 'train'; the store has valid"),
        ({"store": Path("store"), "languages": "en,fr"}, "splits of store have no fr, only en, de; leave it out"),
        ({"store": Path("store"), "json_file": Path("no/report.json")}, "there is no folder no; make it first"),
        ({"store": Path("store"), "json_file": Path(".")}, "--json .: a folder; give a file"),
        ({"store": Path("store"), "work": Path("store/dict.txt")}, "dict.txt: not a folder; give another one"),
        ({"train": ["train.{language}"], "test": ["clean.{language}"]}, "give --languages"),
        ({"train": ["train.{language}"], "test": ["clean.{language}"], "languages": "en,xq"}, "unknown language"),
    ],
)
def test_bad_input_is_a_sentence(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, object], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    call = {"store": None, "test": None, "train": None, "languages": "", "json_file": None, "work": Path("work")}
    with pytest.raises(UserError) as raised:
        leak_check(**{**call, **arguments}, near=True, samples=1, workers=1)  # type: ignore[arg-type]
    assert says in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "work").exists()


@pytest.mark.slow
def test_bad_input_ends_with_2(run_command, folder: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """What only a worker sees is a sentence too."""
    (tmp_path / "bad.en").write_text("one\ntwo\n")
    (tmp_path / "bad.de").write_text("eins\n")
    arguments = ["--train", f"{tmp_path}/bad.{{language}}", *given("clean")[2:], "--work", tmp_path / "work"]
    done = run_command("mtdeep", "leak-check", *arguments, cwd=folder)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    assert len(errors) == 1 and "bad.en:2: no counterpart for this line" in errors[0]
