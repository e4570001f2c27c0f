"""Damaged and hostile configurations through the whole command, each with its sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = """\
store: store
vocabulary: {model: MODEL}
corpora:
  - {name: talks, reader: plain_text, clean: false, splits: {train: {en: a.en, de: a.de}}}
"""
LEARNED = "vocabulary: {size: 20}"


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def reading(reader: str, options: str) -> str:
    return changed("plain_text, clean: false, splits: {train: {en: a.en, de: a.de}}", f"{reader}, splits: {options}")


LAUGHS = "l0: &l0 [lol]\n" + "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 10))
CASES: dict[str, tuple[str | bytes, str]] = {
    # YAML
    "empty": ("", r"yaml:1: the configuration must be a mapping of keys"),
    "a list": ("- a\n", r"yaml:1: the configuration must be a mapping"),
    "latin-1": (GOOD.encode() + b"# \xe9", r"yaml:5: invalid UTF-8 at byte \d+; save the file as UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), r"yaml:1: invalid UTF-8 at byte 0; save"),
    "a tab": (changed("  - {", "\t- {"), r"yaml:4: not valid YAML, found character '\\t' .*; mend it there"),
    "NUL": (GOOD + "seed: 1\0\n", r"yaml:5: holds the character U\+0000; remove it"),
    "an escaped NUL": (changed("a.en", '"a\\0.en"'), r"yaml:4: holds the character U\+0000; remove it"),
    "half a character": (changed("talks", '"\\ud800"'), r"yaml:4: holds the character U\+D800; remove it"),
    "two documents": (GOOD + "---\nstore: a\n", r"yaml:5: not valid YAML, but found another document; mend"),
    "a bracket too few": (changed("a.de}}}", "a.de}}"), r"yaml:5: not valid YAML, .*; mend it there"),
    "a key twice": (GOOD + "store: a\n", r"yaml:5: key 'store' stands twice \(first in line 1\); remove one"),
    "a list as a key": (GOOD + "? [a]\n: b\n", r"yaml:5: a list or mapping stands where a key should; write a word"),
    "an object of Python": (GOOD + "seed: !!python/name:os.system\n", r"yaml:5: not valid YAML, .*constructor.*; mend"),
    "billion laughs": (LAUGHS + GOOD, r"yaml:\d+: more than 100,000 values, aliases written out; say less"),
    "an alias in its anchor": (GOOD + "seed: &a [*a]\n", r"yaml:1: nested too deeply, or an alias stands inside its"),
    "deep": (GOOD + "seed: " + "[" * 1000, r"yaml:1: nested too deeply, or an alias stands inside its anchor; mend"),
    "a number of 5,000 digits": (GOOD + f"seed: {'9' * 5000}\n", r"yaml:5: not valid YAML, .*5000 digits.*; mend it"),
    "a date that is none": (changed("talks", "2026-02-30"), r"yaml:4: not valid YAML, day is out of range .*; mend it"),
    # Values
    "Norwegian": (
        reading("plain_text", "{train: 'a.{language}'}, languages: [en, no]"),
        r"yaml:4: corpora\.0\.languages\.1: input should be a valid string, not False; write it in quotes",
    ),
    "Norwegian as a key": (changed("de: a.de", "no: a.de"), r"yaml:4: .*train: key False is no text; write"),
    "infinity": (changed("{model: MODEL}", "{size: 99, temperature: .inf}"), r"yaml:2: .*should be a finite number"),
    "a name of two lines": (changed("talks", '"a\\nb"'), r"yaml:4: corpora\.0\.name: 'a\\nb' must be printable"),
    "too little memory": (GOOD + "deduplication: {memory: 1MB}\n", r"yaml:5: deduplication\.memory: 1MB is not from"),
    "a symbol twice": (changed("{model: MODEL}", "{size: 99, symbols: [x, x]}"), r"yaml:2: .*'x' stands twice; "),
    "a symbol like a tag": (changed("{model: MODEL}", "{size: 99, symbols: [__de__]}"), r"yaml:2: .*; choose another"),
    "a given vocabulary's rule": (changed("MODEL}", "MODEL, normalization: nfkc}"), r"yaml:2: .*nothing for norm"),
    "no files": (changed("{en: a.en, de: a.de}", "{files: {}}"), r"yaml:4: .*reader plain_text needs files"),
    "no columns": (reading("tsv", "{train: {path: a.en, columns: {}}}"), r"yaml:4: .*reader tsv needs columns"),
    "no catalogue": (reading("gettext", "{train: {files: {}}}"), r"yaml:4: .*reader gettext needs files"),
    "a language twice": (
        reading("tmx", "{train: {path: a.en, languages: [en, eng]}}"),
        r"yaml:4: corpora\.0\.splits: split 'train': 'eng' is the same as 'en'; name it once",
    ),
    "a source that is its target": (
        reading("xliff", "{train: {path: a.en, source: en, target: eng}}"),
        r"yaml:4: .* target 'en' is the same language as the source; correct one",
    ),
    "CLDR, one language": (
        reading("cldr", "x").replace("splits: x", "languages: [en], lines: {train: 9}"),
        r"yaml:4: corpora\.0\.languages: phrases are aligned; name two or more languages",
    ),
    "CLDR, a language without phrases": (
        reading("cldr", "x").replace("splits: x", "languages: [en, nso], lines: {train: 9}"), r"yaml:4: .*no locale"
    ),
    "an identifier that is not there": (
        changed("clean: false, ", "") + "cleaning: {default: {language: {identifier: fasttext, model: MODEL}}}\n",
        r"yaml:5: (identifier fasttext is not installed; pip|no fastText model can be read from .*; correct)",
    ),
    "a model of an identifier that is not there": (
        changed("clean: false, ", "") + "cleaning: {default: {language: {identifier: fasttext, model: no.bin}}}\n",
        r"yaml:5: no file FOLDER/no\.bin; correct the path",
    ),
    # Paths
    "no such file": (changed("a.en", "b.en"), r"yaml:4: no file FOLDER/b\.en; correct the path"),
    "a folder as a file": (changed("a.en", "."), r"yaml:4: FOLDER is a folder; name a file in it, or FOLDER/\*"),
    "a pipe as a file": (changed("a.en", "pipe"), r"yaml:4: no file FOLDER/pipe; correct the path"),
    "a link to itself": (changed("a.en", "loop"), r"yaml:4: no file FOLDER/loop; correct the path"),
    "a name of 5,000 letters": (changed("a.en", "a" * 5000), r"yaml:4: no file FOLDER/a+; correct the path"),
    "a file that cannot be read": (changed("a.en", "memory"), r"FOLDER/memory: cannot be read \(Input/output error\);"),
    "no environment": (changed("a.en", "'${MTDEEP_NOT_SET}'"), r"variable MTDEEP_NOT_SET is not set; set it, or write"),
    "no store": (changed("store: store", "store: ''"), "yaml:1: store: string should have at least 1 character"),
    "the root as the store": (changed("store: store", "store: /"), r"yaml:1: / is no place for a new folder; give one"),
    "the folder above": (changed("store: store", "store: .."), r"yaml:1: FOLDER/\.\. is no place for a new folder;"),
    "work in the store": (GOOD + "work: store/work\n", r"yaml:5: FOLDER/store/work lies in the place of the store, "),
    "work is the store": (GOOD + "work: store\n", r"yaml:5: FOLDER/store lies in the place of the store, "),
    "work is a file": (GOOD + "work: a.en\n", r"FOLDER/a\.en/read: cannot be written \(Not a directory\); mend"),
    "a store below a file": (changed("store: store", "store: a.en/s"), r"FOLDER/a\.en: cannot be written .*; mend"),
    "a store of 250 letters": (changed("store: store", f"store: {'s' * 250}"), r"cannot be written \(File name too"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two aligned files, and what looks like a file and is none."""
    (tmp_path / "a.en").write_text("the dog\n")
    (tmp_path / "a.de").write_text("der Hund\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "memory").symlink_to("/proc/self/mem")  # opens, and has nothing at its start
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_refused(command, sentence: Callable[..., str], model: Path, folder: Path, name: str) -> None:
    given, expected = CASES[name]
    content = given.encode() if isinstance(given, str) else given
    config = folder / "corpora.yaml"
    config.write_bytes(content.replace(b"MODEL", bytes(model)))
    found = sentence(command(config), folder)
    assert re.search(expected, found), found


def test_a_folder_whose_name_is_no_text(command, model: Path, folder: Path) -> None:
    """Latin-1, on a disk that is older than UTF-8: told before anything is done there."""
    place = folder / os.fsdecode(b"f\xfcr")
    place.mkdir()
    (place / "corpora.yaml").write_text(GOOD.replace("MODEL", str(model)))
    done = command(place / "corpora.yaml")
    (said,) = done.said
    assert done.code == 2 and "no UTF-8 in its path" in said and said.endswith("; rename the folder")
    assert [path.name for path in place.iterdir()] == ["corpora.yaml"]


def test_a_variable_that_is_no_text(
    command, sentence: Callable[..., str], model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environb, b"MTDEEP_DATA", b"f\xfcr")
    config = folder / "corpora.yaml"
    config.write_text(changed("en: a.en", "en: '${MTDEEP_DATA}/a.en'").replace("MODEL", str(model)))
    assert "environment variable MTDEEP_DATA is no UTF-8; rename" in sentence(command(config), folder)
