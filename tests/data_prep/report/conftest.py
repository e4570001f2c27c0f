"""A store with everything that a report speaks of: gaps, hold-out, leaks, repeats, damage, and text that means harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_prep.prepare import prepare
from mtdeep.corpus.store import Store

CONFIG = """\
store: store
work: work
vocabulary: {size: 68, character_coverage: 1.0}
cleaning: {default: {language: false}, languages: {de: {words: {max: 9}}}}
corpora:
  - name: talks
    reader: plain_text
    licence: CC BY 4.0
    url: https://example.org/talks?a=1&b=2
    splits:
      train: {en: talks.en, de: talks.de, fr: FOLDER/talks.fr}
      dev: {en: dev.en, de: dev.de}
    holdout: {test: 6}
  - name: 'mined <b>|x|</b> *y*'
    reader: tsv
    origin: mined
    licence: '<img src=x onerror=alert(1)>'
    url: 'javascript:alert(1)'
    splits: {train: {path: mined.tsv, columns: {en: 1, de: 2}}}
"""
MINED = [
    ("<script>alert(1)</script></td></table><h1>out", "drow\u202e word \u2066and more"),
    ("A" * 5000, "b"),
    ("the bell \x07", "die Glocke"),
    ("alone", ""),
    ("too", "many", "columns <i>"),
    ("good morning to all", "guten Morgen euch allen"),
    ("good morning to all", "guten Morgen euch allen"),
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a configuration, its files, its store, and the work that made it."""
    folder = tmp_path_factory.mktemp("report")
    words = ("garden", "window", "morning", "river", "teacher")
    for language in ("en", "de", "fr"):
        said = {"en": str, "de": lambda line: line[::-1], "fr": str.upper}[language]
        lines = [f"{words[i % 5]} number {i} {words[i // 5 % 5]}" for i in range(60)]
        text = [said(line) if (i + ord(language[0])) % 9 else "" for i, line in enumerate(lines)]
        (folder / f"talks.{language}").write_text("".join(f"{line}\n" for line in text))
    (folder / "dev.en").write_text("Garden  NUMBER 5 window\nnever seen\n")
    (folder / "dev.de").write_text("neu\nnie gesehen\n")
    (folder / "mined.tsv").write_text("".join("\t".join(row) + "\n" for row in MINED), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG.replace("FOLDER", str(folder)), encoding="utf-8")
    prepare(folder / "config.yaml", None)
    return folder


@pytest.fixture(scope="session")
def store(folder: Path) -> Store:
    """The store of `folder`."""
    return Store(folder / "store")


@pytest.fixture(scope="session")
def report(store: Store) -> dict[str, Any]:
    """What the store's report.json says."""
    found: dict[str, Any] = json.loads((store.path / "report" / "report.json").read_text(encoding="utf-8"))
    return found
