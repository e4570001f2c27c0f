"""A configuration that grows corpus by corpus, the files that its corpora name, and what a store has of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mtdeep.corpus.manifest import CorpusRecord
from mtdeep.corpus.store import Store

WORDS = ("garden", "window", "morning", "river", "teacher", "horse", "letter", "bread")
SETTINGS = """\
store: store
vocabulary: {size: 46, character_coverage: 1.0}
cleaning: {default: {language: false, script: false}}
corpora:
"""
TALKS = """\
  - name: talks
    reader: plain_text
    languages: [en, de]
    splits:
      train: "talks.{language}"
      dev: "dev.{language}"
    holdout: {test: 20}
"""
MANUALS = """\
  - name: manuals
    reader: plain_text
    splits: {train: {en: manual.en, de: manual.de}}
"""
NEWS = """\
  - name: news
    reader: plain_text
    splits:
      train: {en: news.en, uk: news.uk}
"""
MORE = """\
  - name: more
    reader: plain_text
    splits: {train: {de: more.de, en: more.en, fr: more.fr}}
"""


def said(language: str, row: str) -> str:
    """Return the row in a language."""
    return {"en": row, "de": row[::-1], "fr": row.swapcase().replace("E", "é"), "uk": f"Ж {row[::-1]} щ"}[language]


def row(number: int) -> str:
    return " ".join([*(WORDS[number // 8**j % 8] for j in range(4)), str(number)])


def write(folder: Path, name: str, language: str, rows: list[str]) -> None:
    text = "".join(f"{line and said(language, line)}\n" for line in rows)
    (folder / f"{name}.{language}").write_text(text, encoding="utf-8")


def config(folder: Path, *corpora: str, settings: str = SETTINGS) -> Path:
    path = folder / "config.yaml"
    path.write_text(settings + "".join(corpora))
    return path


def files(store: Path) -> dict[str, str]:
    return {str(path.relative_to(store)): hashlib.md5(path.read_bytes()).hexdigest()
            for path in sorted(store.rglob("*")) if path.is_file()}  # fmt: skip


def record(store: Store, name: str, split: str) -> CorpusRecord:
    return next(one for one in store.manifest.corpora if (one.name, one.split) == (name, split))


def report(store: Store) -> dict[str, Any]:
    (path,) = (name for name in store.manifest.files if name.endswith("report.json"))
    found: dict[str, Any] = json.loads((store.path / path).read_text(encoding="utf-8"))
    return found
