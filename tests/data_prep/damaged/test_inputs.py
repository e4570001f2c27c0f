"""Every damaged input of the readers' tables through the whole command: the same sentence, or counts that add up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import damaged_archives
import damaged_lines
import damaged_xml
import pytest

from data_prep.readers.source import Source
from data_prep.sources import READERS
from data_prep.stages.clean import EMPTY, NOTHING_LEFT, ONE

TABLES = (damaged_lines, damaged_xml, damaged_archives)
CASES = {name: case for table in TABLES for name, case in table.CASES.items()}
MISSING_FILES = {"no such file", "a folder"}  # which the configuration's check finds, as test_configuration.py has it
REFUSED = [name for name, (_, outcome) in CASES.items() if isinstance(outcome, str) and name not in MISSING_FILES]
READ = [name for name, (_, outcome) in CASES.items() if not isinstance(outcome, str)]


def entry(name: str, source: Source) -> dict[str, Any]:
    """Return what a configuration says of a source."""
    (reader,) = (reader for reader, kind in READERS.items() if kind is type(source))
    options = {
        field.name: plain(getattr(source, field.name))
        for field in fields(source)  # type: ignore[arg-type]
        if field.default is MISSING or getattr(source, field.name) != field.default
    }
    return {"name": name, "reader": reader, "clean": False, "deduplicate": False, "splits": {"train": options}}


def plain(value: Any) -> Any:
    match value:
        case Path():
            return str(value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case tuple():
            return list(value)
    return value


@pytest.mark.parametrize("name", REFUSED)
def test_refused(prepare, sentence, small_bombs: None, tmp_path: Path, name: str) -> None:
    make, expected = CASES[name]
    found = sentence(prepare(tmp_path, [entry("odd", make(tmp_path))]), tmp_path)
    assert re.search(expected, found), found


def texts_of(source: Source) -> list[int]:
    """Return how many sentences each row has that the reader gives; no text at all, however short, is none."""
    return [
        sum(bool(text.strip()) for text in row)
        for batch in source.batches(1000)
        for row in zip(*batch.columns.values(), strict=True)
    ]


@pytest.fixture(scope="module")
def read_in_one_run(prepare, accounts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Source, Any]]:
    """The sources of which rows are left, and what the store says that one run has made of them."""
    folder = tmp_path_factory.mktemp("read")
    sources = {}
    for name in READ:
        place = folder / str(len(sources))
        place.mkdir()
        sources[name] = CASES[name][0](place)
    left = {name: source for name, source in sources.items() if max(texts_of(source), default=0) >= least(source)}
    done = prepare(folder, [entry(name, source) for name, source in left.items()])
    assert done.code == 0, done
    found = accounts(folder / "store")
    return {name: (source, found[name, "train"] if name in left else None) for name, source in sources.items()}


def least(source: Source) -> int:
    return min(2, len(source.languages))


@pytest.mark.parametrize("name", READ)
def test_read(read_in_one_run, prepare, sentence, tmp_path: Path, name: str) -> None:
    expected = CASES[name][1]
    source, account = read_in_one_run[name]
    texts = texts_of(source)
    rejected = Counter(expected.get("rejected", {}))
    rejected[EMPTY] += texts.count(0)
    rejected[ONE] += texts.count(1) if least(source) == 2 else 0
    read = expected.get("rows", 0) + sum(expected.get("rejected", {}).values())
    if account is not None:
        assert account["rows"] == {"read": read, "kept": read - rejected.total(), "rejected": dict(+rejected)}
        for language, gaps in expected.get("gaps", {}).items():
            assert account["languages"][language]["rejected"].items() >= gaps.items()
        return
    found = sentence(prepare(tmp_path, [entry(name, source)]), tmp_path)
    assert f"nothing is left of the {read:,} rows of split 'train' of corpus {name!r}" in found
    assert all(f"{count:,} {reason}" in found for reason, count in (+rejected).items()), (found, NOTHING_LEFT)
