"""Stores that are read as corpora, and are damaged."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from writing import write

from mtdeep.corpus.manifest import MANIFEST, SUBWORD_MODEL

PLAIN = "- {name: odd, reader: plain_text, clean: false, deduplicate: false, splits: {train: {en: a.en, de: a.de}}}"
Check = Callable[..., str]
STORED = "- {name: new, reader: store, clean: false, languages: [en, de], splits: {train: {path: old, corpus: odd}}}"


@pytest.fixture(scope="module")
def old(prepare, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    write(folder / "a.en", "the dog\nthe man\nsees\n")
    write(folder / "a.de", "der Hund\nder Mann\nsieht\n")
    corpus = PLAIN.replace("splits:", "holdout: {test: 1}, splits:")
    assert prepare(folder, corpus).code == 0
    return folder / "store"


def byte(name: str, place: int) -> Callable[[Path], object]:
    def change(store: Path) -> None:
        content = bytearray((store / name).read_bytes())
        content[place] ^= 0xFF
        (store / name).write_bytes(content)

    return change


def manifest(change: Callable[[Any], object]) -> Callable[[Path], object]:
    def rewrite(store: Path) -> None:
        document = json.loads((store / MANIFEST).read_text())
        change(document)
        (store / MANIFEST).write_text(json.dumps(document))

    return rewrite


SHARD = "shards/000000.bin"
STORES: dict[str, tuple[Callable[[Path], object], str]] = {
    "another token": (byte(SHARD, 17), rf"old/{SHARD}: damaged, its digest is .*; prepare the store again, or restore"),
    "another letter of raw text": (byte(SHARD, -17), rf"old/{SHARD}: damaged, its digest is "),
    "another start": (byte(SHARD, 0), rf"old/{SHARD}: not a shard of a store .*; restore it from a copy"),
    "a cut shard": (lambda store: write(store / SHARD, b"MTDSHARD"), rf"old/{SHARD}: truncated, expected "),
    "no shards": (lambda store: shutil.rmtree(store / "shards"), rf"old/{SHARD}: missing, the manifest lists it"),
    "another dictionary": (byte("dict.txt", 1), r"old/dict\.txt: not the dictionary that the store was "),
    "another vocabulary": (byte(SUBWORD_MODEL, 99), rf"old/{SUBWORD_MODEL}: damaged, its digest is "),
    "half a manifest": (lambda store: write(store / MANIFEST, '{"format": '), r"old/manifest\.json: damaged, not JSON"),
    "a deep manifest": (lambda store: write(store / MANIFEST, "[" * 99999), r"old/manifest\.json: damaged, not JSON"),
    "a manifest of zeros": (lambda store: write(store / MANIFEST, bytes(99)), r"old/manifest\.json: damaged, not JSON"),
    "another format": (manifest(lambda it: it.update(format="x")), r"old/manifest\.json: not the manifest of a store"),
    "a later version": (manifest(lambda it: it.update(version=9)), r"old/manifest\.json: store format version 9, this"),
    "rows that do not add up": (
        manifest(lambda it: it["corpora"][0].update(rows=7)), r"old/manifest\.json: counts do not add up: .*; prepare"
    ),
    "no manifest": (lambda store: (store / MANIFEST).unlink(), r"corpora\.yaml:\d+: no file FOLDER/old/manifest"),
    "no such corpus": (manifest(lambda it: it["corpora"][0].update(name="x")), "no corpus 'odd' in split 'train'; it"),
}  # fmt: skip


@pytest.mark.parametrize("name", STORES)
def test_damaged_stores_that_are_read(prepare, sentence: Check, old: Path, tmp_path: Path, name: str) -> None:
    change, expected = STORES[name]
    shutil.copytree(old, tmp_path / "old")
    change(tmp_path / "old")
    found = sentence(prepare(tmp_path, STORED), tmp_path)
    assert re.search(expected, found), found
