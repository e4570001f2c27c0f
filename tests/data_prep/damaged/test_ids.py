"""Ids of rows that are odd, and files of ids to hold out that are damaged."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from writing import write

JSONL = (
    "- {name: odd, reader: jsonl, clean: false, deduplicate: false, "
    "splits: {train: {path: a.jsonl, keys: {en: en, de: de}, id: id}}}"
)
BY_IDS = JSONL.replace("splits:", "holdout: {test: ids}, splits:")
Check = Callable[..., str]


def rows(*ids: str) -> str:
    """JSON lines of different sentences with these ids."""
    given = ({"en": f"the dog {i}", "de": f"der Hund {i}", "id": name} for i, name in enumerate(ids))
    return "".join(json.dumps(row) + "\n" for row in given)


IDS: dict[str, tuple[bytes, str]] = {
    "latin-1": (b"a\n\xe4\n", r"FOLDER/ids:2: invalid UTF-8 at byte 2 of the text \(0xe4\); convert the file"),
    "UTF-16": ("a\n".encode("utf-16"), r"FOLDER/ids:1: UTF-16, not UTF-8; convert it"),
    "NUL": (b"a\0\n", r"FOLDER/ids:1: NUL character; convert the file to UTF-8, or remove the line"),
    "gzip that breaks off": (gzip.compress(b"a\n")[:-3], r"FOLDER/ids:1: not a whole gzip file .*; fetch it again"),
    "2 MB": (b"x" * (2 << 20), r"FOLDER/ids:1: longer than 1,048,576; convert the file to UTF-8, or remove the line"),
    "empty": (b"", r"FOLDER/ids:1: no id in it; give the ids of rows, one a line"),
    "empty lines": (b"\n \r\n", r"FOLDER/ids:1: no id in it"),
    "none of the corpus": (b"a\nz\n", r"json:\d+: corpus 'odd': no row has the id 'z' of split 'test'; correct it"),
    "all of the corpus": (b"a\nb\n", r"json:\d+: corpus 'odd': nothing is left to train on after `holdout`; hold out"),
}


@pytest.mark.parametrize("name", IDS)
def test_damaged_ids_to_hold_out(prepare, sentence: Check, tmp_path: Path, name: str) -> None:
    write(tmp_path / "a.jsonl", rows("a", "b", "b"))
    write(tmp_path / "ids", IDS[name][0])
    found = sentence(prepare(tmp_path, BY_IDS), tmp_path)
    assert re.search(IDS[name][1].replace("json:", "corpora.yaml:"), found), found


def test_odd_ids_are_ids(prepare, accounts, tmp_path: Path) -> None:
    """One of half a character, one that ends in NUL (and is not the one without), one of a megabyte, one twice."""
    write(tmp_path / "a.jsonl", rows("\ud800", "a\0", "a", "x" * 1_000_000, "b", "b", *map(str, range(200))))
    write(tmp_path / "ids", b"\xef\xbb\xbfb\r\n\na\nb\n")
    done = prepare(tmp_path, BY_IDS)
    assert done.code == 0, done
    found = accounts(tmp_path / "store")
    assert found["odd", "train"]["rows"] == {"read": 206, "kept": 203, "rejected": {"held out for test": 3}}
    assert found["odd", "test"]["rows"] == {"read": 3, "kept": 3, "rejected": {}}


PARQUET: dict[str, tuple[Mapping[str, Any], str]] = {
    "times": ({"id": pa.array([2**62], pa.timestamp("ns"))}, "column 'id' holds timestamp.ns., neither text nor"),
    "dates beyond all calendars": ({"id": pa.array([2**30], pa.date32())}, "column 'id' holds date32.day., neither"),
    "lists": ({"id": [["a"]]}, "column 'id' holds list<.*, neither text nor numbers; name another"),
}


@pytest.mark.parametrize("name", PARQUET)
def test_ids_of_other_types(prepare, sentence: Check, tmp_path: Path, name: str) -> None:
    columns, expected = PARQUET[name]
    pq.write_table(pa.table({"en": ["a"], "de": ["b"], **columns}), tmp_path / "a.parquet")
    corpus = JSONL.replace("jsonl", "parquet").replace("keys:", "columns:")
    found = sentence(prepare(tmp_path, corpus), tmp_path)
    assert re.search(rf"^FOLDER/a\.parquet: {expected}", found), found


def test_a_column_twice(prepare, sentence: Check, tmp_path: Path) -> None:
    names = ["en", "en", "de", "id"]
    pq.write_table(pa.table([["a"], ["b"], ["c"], ["d"]], names=names), tmp_path / "a.parquet")
    corpus = JSONL.replace("jsonl", "parquet").replace("keys:", "columns:")
    assert "FOLDER/a.parquet: 2 columns 'en'; name another" in sentence(prepare(tmp_path, corpus), tmp_path)
