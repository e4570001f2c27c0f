"""A store that grows: what is there stays as it is, whatever kills the writer."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtdeep.corpus import Block, Direction, Store, StoreAppender, StoreWriter, Vocabulary, available, blocks_of
from mtdeep.corpus.manifest import unnamed_shards
from mtdeep.corpus.verification import damages
from mtdeep.errors import UserError

OLD = {"en": [[10, 11], [], [12]], "de": [[20], [21], [22, 23]]}
sentence = st.lists(st.integers(3, 253), max_size=9)
NEW = {"en": [[30], [31]], "fr": [[40], [41, 42]]}


def columns(table: dict[str, list[list[int]]]) -> dict[str, Iterator[Block]]:
    return {code: blocks_of(np.array(row, dtype=np.int64) for row in rows) for code, rows in table.items()}


def append(path: Path, **options: Any) -> None:
    with StoreAppender(path, ["fr"], **options) as appender:
        appender.add_corpus("b", "train", columns(NEW), provenance={"from": "b"})
        appender.finish({"by": "test"})


def append_with_report(path: Path) -> None:
    with StoreAppender(path, ["fr"], shard_bytes=60) as appender:
        appender.add_corpus("b", "train", columns(NEW), provenance={"from": "b"})
        appender.add_file("report/1/index.html", b"of both")
        appender.finish({"by": "test"})


def files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def path(make_store: Callable[..., Store]) -> Path:
    return make_store({("train", "a"): OLD, ("valid", "a"): OLD}).path


def test_a_corpus_with_a_new_language(path: Path) -> None:
    """Old shards stay to the byte, ids to the number; the new language's tag stands behind all others."""
    before, old = files(path), Store(path)
    append(path)
    store, after = Store(path), files(path)
    assert list(damages(path)) == []
    assert {name for name in before if before[name] != after[name]} == {"dict.txt", "manifest.json"}
    assert after.keys() - before.keys() == {"shards/000001.bin"}
    assert after["dict.txt"] == before["dict.txt"] + b"__fr__ 0\n"
    assert store.vocabulary.symbols() == [*old.vocabulary.symbols(), "__fr__"]
    assert [corpus.name for corpus in store.corpora("train")] == ["a", "b"]
    assert store.corpora("train")[1].sentence("fr", 1).tolist() == [41, 42]
    assert [store.corpora("train")[0].sentence("de", row).tolist() for row in range(3)] == OLD["de"]
    assert available(store, "train")[Direction("en", "fr")] == 2
    assert store.digest != old.digest
    assert store.manifest.provenance == {"appended": [{"by": "test"}]}


@settings(max_examples=8, deadline=None)
@given(st.lists(st.lists(st.tuples(sentence, sentence), max_size=9), min_size=2, max_size=4), st.integers(100, 300))
def test_appended_one_by_one_or_written_at_once(tables: list[list[tuple[list[int], list[int]]]], most: int) -> None:
    """The same corpora with the same counts and sentences, whatever the shards."""
    with tempfile.TemporaryDirectory() as directory:
        one, other = Path(directory, "one"), Path(directory, "other")
        vocabulary = Vocabulary(tuple(f"p{i}" for i in range(250)), ("en", "de"))
        for path in (one, other):
            with StoreWriter(path, vocabulary, None, shard_bytes=most) as writer:
                for i, rows in enumerate(tables if path == one else tables[:1]):
                    writer.add_corpus(f"c{i}", "train", columns(of(rows)), provenance={"number": i})
                writer.finish({})
        for i, rows in enumerate(tables[1:], start=1):
            with StoreAppender(other, shard_bytes=most) as appender:
                appender.add_corpus(f"c{i}", "train", columns(of(rows)), provenance={"number": i})
                appender.finish({})
        assert list(damages(other)) == []
        assert max(file.stat().st_size for file in (other / "shards").iterdir()) <= most
        for ours, theirs in zip(Store(other).corpora("train"), Store(one).corpora("train"), strict=True):
            counts = [(corpus.name, corpus.rows, corpus.count("en", "de")) for corpus in (ours, theirs)]
            assert counts[0] == counts[1]
            for code in ("en", "de"):
                for row in range(ours.rows):
                    assert ours.sentence(code, row).tolist() == theirs.sentence(code, row).tolist()


def of(rows: list[tuple[list[int], list[int]]]) -> dict[str, list[list[int]]]:
    return {"en": [row[0] for row in rows], "de": [row[1] for row in rows]}


def test_the_type_of_tokens_stays(tmp_path: Path) -> None:
    """The 257th symbol is a tag: ids of pieces still fit into a byte, as the old shards have them."""
    vocabulary = Vocabulary(tuple(f"p{i}" for i in range(250)), ("en", "de"))
    with StoreWriter(tmp_path / "s", vocabulary, None) as writer:
        writer.add_corpus("a", "train", columns(OLD), provenance={})
        writer.finish({})
    append(tmp_path / "s")
    store = Store(tmp_path / "s")
    assert (store.manifest.token_dtype, len(store.vocabulary)) == ("uint8", 257)
    assert [corpus.sentence("en", 0).tolist() for corpus in store.corpora("train")] == [[10, 11], [30]]
    assert list(damages(tmp_path / "s")) == []


def test_languages_of_a_corpus_that_is_there(path: Path) -> None:
    """A column more: its rows count towards every direction, the corpus keeps its columns and their shards."""
    before = Store(path).manifest.corpora[0]
    with StoreAppender(path, ["fr"]) as appender:
        french = {"fr": [[50], [51], []]}
        appender.add_languages("a", "train", columns(french), provenance={"from": "c"})
        with pytest.raises(ValueError, match="got languages before"):
            appender.add_languages("a", "train", columns({"zh-Hans": french["fr"]}), provenance={})
        appender.finish({})
    assert list(damages(path)) == []
    (corpus,) = Store(path).corpora("train")
    assert corpus.languages == ("en", "de", "fr")
    assert [corpus.sentence("fr", row).tolist() for row in range(3)] == french["fr"]
    counts = {(a, b): corpus.count(a, b) for a, b in (("en", "de"), ("en", "fr"), ("de", "fr"))}
    assert counts == {("en", "de"): 2, ("en", "fr"): 1, ("de", "fr"): 2}
    record = Store(path).manifest.corpora[0]
    assert record.columns[:2] == before.columns
    assert record.provenance == {"appended": [{"languages": ["fr"], "from": "c"}]}


@pytest.mark.parametrize(
    ("name", "split", "table", "message"),
    [
        ("z", "train", {"fr": [[5]] * 3}, "no corpus 'z' in split 'train'"),
        ("a", "train", {"de": [[5]] * 3}, "has .*'de'.* already"),
        ("a", "train", {"fr": [[5]] * 2}, "differ in rows"),
        ("a", "train", {"ja": [[5]] * 3}, "not all in the vocabulary"),
        ("a", "train", {"fr": [[1]] * 3}, "neither a piece nor"),
    ],
)
def test_wrong_languages(path: Path, name: str, split: str, table: Any, message: str) -> None:
    before = files(path)
    with pytest.raises(ValueError, match=message), StoreAppender(path, ["fr"]) as appender:
        appender.add_languages(name, split, columns(table), provenance={})
    assert files(path) == before


def test_a_name_is_taken_once(path: Path) -> None:
    with pytest.raises(ValueError, match="was added before"), StoreAppender(path) as appender:
        appender.add_corpus("a", "train", columns(OLD), provenance={})


def test_left_without_finish(path: Path) -> None:
    """Nothing of it stays, the lock neither, and the next one can begin."""
    before = files(path)
    with StoreAppender(path, ["fr"], shard_bytes=60) as appender:
        appender.add_corpus("b", "train", columns(NEW), provenance={})
        assert len(unnamed_shards(path, Store(path).manifest)) > 1
    assert files(path) == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    append(path)


def test_what_a_killed_writer_left_goes_first_and_nothing_else_does(path: Path) -> None:
    before = files(path)
    for name in ("shards/000001.bin", "shards/000012.bin", "shards/notes.bin", "shards/000013.bin.gz"):
        (path / name).write_bytes(b"half")
    with StoreAppender(path):
        assert files(path).keys() - before.keys() == {"shards/notes.bin", "shards/000013.bin.gz"}
    assert {name: data for name, data in files(path).items() if name in before} == before


def test_an_open_reader_goes_on(path: Path) -> None:
    """It sees what it saw, though its shards are mapped only afterwards; who opens then sees all."""
    reader = Store(path)
    append(path)
    assert [corpus.name for corpus in reader.corpora("train")] == ["a"]
    assert [reader.corpora("train")[0].sentence("de", row).tolist() for row in range(3)] == OLD["de"]
    assert "fr" not in reader.languages and "fr" in Store(path).languages


def test_one_writer_at_a_time(path: Path) -> None:
    with StoreAppender(path), pytest.raises(UserError, match="another process is writing it"):
        StoreAppender(path)


def test_a_tag_that_is_a_piece(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", Vocabulary(("__fr__",), ("en",)), None) as writer:
        writer.finish({})
    with pytest.raises(UserError, match="a piece '__fr__', which is to be a tag"):
        StoreAppender(tmp_path / "s", ["fr"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_a_damaged_store_is_not_appended_to(path: Path) -> None:
    os.truncate(path / "shards" / "000000.bin", 20)
    with pytest.raises(UserError, match="truncated"):
        StoreAppender(path)


def killed_at(path: Path, moment: int) -> bool:
    """Append in another process, which kills itself before it opens, renames or removes its *moment*-th file.

    Whether that moment came before the end.
    """
    child = os.fork()
    if child == 0:
        left = moment

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            here = any(isinstance(a, (str, os.PathLike)) and str(path) in str(a) for a in arguments)
            if event in ("open", "os.rename", "os.remove") and here:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            append_with_report(path)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_at_any_point(path: Path, tmp_path: Path) -> None:
    """The store is the old or the new one, whole; the next append gives what one alone would have given."""
    with StoreAppender(path) as appender:
        appender.add_file("report/index.html", b"of the old one")
        appender.finish({})
    alone = Path(shutil.copytree(path, tmp_path / "alone"))
    append_with_report(alone)
    old, new = Store(path).digest, Store(alone).digest
    seen = []
    for moment in range(100):
        store = Path(shutil.copytree(path, tmp_path / str(moment)))
        killed = killed_at(store, moment)
        found = Store(store)
        seen.append(found.digest)
        assert found.digest in (old, new)
        assert list(damages(store)) == []
        if found.digest == old:
            append_with_report(store)
            assert files(store) == files(alone)
        if not killed:
            break
    assert not killed and seen[-1] == new
    assert seen.count(old) > 10  # before each of the shards, the dictionary, the manifest


def report(path: Path, folder: str, *corpora: str) -> None:
    with StoreAppender(path) as appender:
        for name in corpora:
            appender.add_corpus(name, "train", columns(OLD), provenance={})
        for name in ("index.html", "card.md"):
            appender.add_file(f"{folder}/{name}", folder.encode())
        appender.finish({})


def test_a_report_takes_the_place_of_the_one_before(path: Path) -> None:
    digests = [Store(path).digest]
    for number, folder in enumerate(("report", "report/1", "report/2")):
        report(path, folder, f"c{number}")
        found = [name for name in files(path) if name.startswith("report")]
        assert sorted(found) == [f"{folder}/card.md", f"{folder}/index.html"]
        assert list(damages(path)) == []
        digests.append(Store(path).digest)
    assert len(set(digests)) == 4
    assert [entry.name for entry in (path / "report").iterdir()] == ["2"]
    with pytest.raises(ValueError, match="already"):
        report(path, "report/2")


def test_a_report_that_was_not_finished(path: Path) -> None:
    """It goes, and one that a killed writer left is replaced by the next."""
    report(path, "report")
    before = files(path)
    with StoreAppender(path) as appender:
        appender.add_file("report/1/index.html", b"half")
        assert list(damages(path)) == []
    assert files(path) == before and not (path / "report" / "1").exists()
    (path / "report" / "1").mkdir()
    (path / "report" / "1" / "index.html").write_bytes(b"of a killed writer")
    report(path, "report/1")
    assert list(damages(path)) == []
