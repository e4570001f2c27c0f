"""`damages`: nothing in a whole store, and each kind of damage, also where every digest fits."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtdeep.corpus import Store, StoreWriter, Vocabulary, blocks_of, text_blocks
from mtdeep.corpus.manifest import shard_path
from mtdeep.corpus.store import file_digest
from mtdeep.corpus.verification import damages
from mtdeep.errors import UserError

LANGUAGES = ("en", "de", "zh-Hans")
ROWS = {"en": [[4, 5], [], [6]], "de": [[7], [8], []], "zh-Hans": [[9], [9, 9], [9]]}
TEXT = ["ab", "é", ""]
# The first shard: header, then for each language ids, offsets and their paddings.
IDS_OF_EN, OFFSETS_OF_EN = 16, 24


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two shards: tokens in the first, the raw text of German in the second."""
    with StoreWriter(tmp_path / "s", Vocabulary(("a", "b", "c", "d", "e", "f"), LANGUAGES), None) as writer:
        columns = {code: blocks_of(np.array(row, dtype=int) for row in rows) for code, rows in ROWS.items()}
        writer.add_corpus("a", "train", columns, provenance={})
        writer._shards.close_shard()
        writer.add_corpus("b", "test", {}, text={"de": text_blocks(TEXT)}, provenance={})
        writer.finish({})
    assert list(damages(tmp_path / "s")) == []
    return tmp_path / "s"


def put(path: Path, position: int, value: int, name: str = shard_path(0)) -> None:
    """Change a byte of a file, and its digest in the manifest."""
    data = bytearray((path / name).read_bytes())
    data[position] = value
    (path / name).write_bytes(data)
    edit(path, lambda d: d["files"][name].update(xxh3_128=file_digest(path / name)))


def edit(path: Path, change: Callable[[Any], object]) -> None:
    document = json.loads((path / "manifest.json").read_bytes())
    change(document)
    (path / "manifest.json").write_text(json.dumps(document))


def flip(path: Path, name: str) -> None:
    data = bytearray((path / name).read_bytes())
    data[20] ^= 1
    (path / name).write_bytes(data)


def behind(path: Path, lines: bytes) -> None:
    with (path / "dict.txt").open("ab") as file:
        file.write(lines)


def pairs(*counts: int) -> Callable[[Path], None]:
    return lambda path: edit(path, lambda d: d["corpora"][0].update(pairs=list(counts)))


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        (lambda p: flip(p, shard_path(0)), shard_path(0), "damaged, its digest is"),
        (lambda p: flip(p, shard_path(1)), shard_path(1), "damaged, its digest is"),
        (lambda p: flip(p, "dict.txt"), "dict.txt", "damaged, its digest is"),
        (lambda p: os.truncate(p / shard_path(0), 30), shard_path(0), "truncated, expected"),
        (lambda p: (p / shard_path(1)).unlink(), shard_path(1), "missing"),
        (lambda p: put(p, 0, ord("x"), "dict.txt"), "dict.txt", "not the dictionary that the store was written with"),
        (lambda p: behind(p, b"x\n"), "dict.txt", "dict.txt:10: 'x' is no line of the dictionary that the store was"),
        (lambda p: behind(p, b"__fr__ 0\nx 1"), "dict.txt", "dict.txt:11: 'x 1' is no line of the dictionary"),
        (lambda p: behind(p, b"\xff 0\n\n"), "dict.txt", "dict.txt:10: '\\\\xff 0' is no line of the dictionary"),
        (lambda p: put(p, IDS_OF_EN + 2, 10), shard_path(0), "tokens of 'en': row 2 has id 10, which is no piece"),
        (lambda p: put(p, IDS_OF_EN, 2), shard_path(0), "tokens of 'en': row 0 has id 2, which is no piece"),
        (lambda p: put(p, OFFSETS_OF_EN, 1), shard_path(0), "offsets from row 0 on do not add up to 3 units"),
        (lambda p: put(p, OFFSETS_OF_EN + 12, 2), shard_path(0), "offsets from row 0 on do not add up to 3 units"),
        (lambda p: put(p, OFFSETS_OF_EN + 4, 200), shard_path(0), "offsets from row 0 on do not add up to 3 units"),
        (lambda p: put(p, OFFSETS_OF_EN + 4, 1), shard_path(0), "from row 0 on are 3 sentences, the manifest has 2"),
        (lambda p: put(p, OFFSETS_OF_EN + 8, 3), "manifest.json", "'en' and 'de' are said to share 1 rows"),
        (pairs(0, 2, 2), "manifest.json", "'en' and 'de' are said to share 0 rows, and share 1"),
        (pairs(1, 2, 1), "manifest.json", "'de' and 'zh-Hans' are said to share 1 rows, and share 2"),
        (lambda p: put(p, 18, 0xFF, shard_path(1)), shard_path(1), "text of 'de': row 1 has bytes that are not UTF-8"),
        (lambda p: put(p, 28, 3, shard_path(1)), shard_path(1), "text of 'de': row 1 has a character that is cut"),
    ],
)
def test_damage(path: Path, damage: Callable[[Path], object], file: str, message: str) -> None:
    """A sentence with the file and the remedy for it, and for nothing else but what follows from it."""
    damage(path)
    found = list(damages(path))
    assert message in found[0], found
    assert all(sentence.startswith(str(path / file)) and "restore" in sentence for sentence in found)
    assert not any("\n" in sentence for sentence in found)
    with pytest.raises(UserError):
        Store(path).verify()


def test_the_tag_that_a_killed_writer_left_is_no_damage(path: Path) -> None:
    behind(path, b"__fr__ 0\n<bt> 0\n")
    assert list(damages(path)) == []
    assert Store(path).languages == LANGUAGES


def test_every_damage_is_told(path: Path) -> None:
    """Not only the first; and the undamaged columns are still compared."""
    (path / shard_path(1)).unlink()
    edit(path, lambda d: d["corpora"][0].update(pairs=[0, 0, 2]))
    found = list(damages(path))
    assert [sentence.split(": ")[0].rpartition("/")[2] for sentence in found] == [
        "000001.bin",
        "manifest.json",
        "manifest.json",
    ]


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a store, it has no manifest\.json"):
        list(damages(tmp_path))


def test_progress_reaches_its_end(path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    list(damages(path, lambda *what: heard.append(what)))
    size = sum(record.bytes for record in Store(path).manifest.files.values())
    assert ("bytes of files read", size, size) in heard
    assert heard[-1] == ("corpora checked", 2, 2)
