"""The store: what goes in comes out, whatever the shards, and damage is told."""

from __future__ import annotations

import json
import os
import pickle
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtdeep.corpus import Store, StoreWriter, Vocabulary, available, blocks_of, text_blocks
from mtdeep.corpus.manifest import shard_path
from mtdeep.errors import UserError

LANGUAGES = ("en", "de", "zh-Hans", "sr-Latn")
PIECES = tuple(f"p{i}" for i in range(300))
FIRST, LAST = 4, 303

sentence = st.lists(st.integers(FIRST - 1, LAST), max_size=20)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[list[int]]]:
    """A corpus: one to four languages, the same number of rows in each, gaps anywhere."""
    chosen = draw(st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True))
    rows = draw(st.integers(0, 30))
    return {code: draw(st.lists(sentence, min_size=rows, max_size=rows)) for code in chosen}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(tables(), max_size=4), st.integers(120, 600))
def test_round_trip(corpora: list[dict[str, list[list[int]]]], shard_bytes: int) -> None:
    """Every sentence, length, count and common row, with columns cut over many shards."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store"
        with StoreWriter(path, Vocabulary(PIECES, LANGUAGES), b"model", shard_bytes=shard_bytes) as writer:
            for i, table in enumerate(corpora):
                arrays = {code: blocks_of(np.array(s, dtype=np.int64) for s in rows) for code, rows in table.items()}
                writer.add_corpus(f"c{i}", "train", arrays, provenance={"number": i})
            writer.finish({"by": "test"})
        assert os.listdir(directory) == ["store"]
        store = Store(path)
        store.verify()
        assert all(file.stat().st_size <= shard_bytes for file in (path / "shards").iterdir())
        if corpora:
            for corpus, table in zip(store.corpora("train"), corpora, strict=True):
                _check_corpus(corpus, table)


def _check_corpus(corpus: Any, table: dict[str, list[list[int]]]) -> None:
    assert corpus.languages == tuple(table)
    for code, rows in table.items():
        assert corpus.rows == len(rows)
        assert [corpus.sentence(code, r).tolist() for r in range(len(rows))] == rows
        assert corpus.lengths(code).tolist() == [len(s) for s in rows]
        asked = np.arange(len(rows))[::-1]
        assert corpus.lengths_at(code, asked).tolist() == [len(s) for s in rows][::-1]
        for other, other_rows in table.items():
            common = [r for r in range(len(rows)) if rows[r] and other_rows[r]]
            assert corpus.count(code, other) == len(common)
            if other != code:
                assert list(corpus.common_rows(code, other)) == common


def test_text_is_kept_as_it_is(tmp_path: Path) -> None:
    """Raw references come back to the byte; a split without text says so."""
    lines = ["Zwei\u2028Büsche", "", "两个人 \u00a0", "e\u0301"]
    ids = [np.array([4, 5]), np.array([], dtype=int), np.array([6]), np.array([7])]
    with StoreWriter(tmp_path / "s", Vocabulary(PIECES, LANGUAGES), None, shard_bytes=110) as writer:
        columns = {"en": blocks_of(ids), "de": blocks_of(ids)}
        writer.add_corpus("a", "test", columns, text={"de": text_blocks(lines)}, provenance={})
        writer.finish({})
    corpus = Store(tmp_path / "s").corpora("test")[0]
    assert [corpus.text("de", r) for r in range(4)] == lines
    assert (corpus.has_text("de"), corpus.has_text("en")) == (True, False)
    with pytest.raises(KeyError):
        corpus.text("en", 0)
    with pytest.raises(IndexError):
        corpus.sentence("en", 4)


def test_same_input_same_bytes(make_store: Callable[..., Store]) -> None:
    """A store is a function of its input: no clock, no temporary name."""
    data = {("train", "a"): {"en": [[4, 5], [], [6]], "de": [[7], [8], [9, 10]]}}
    one, two = make_store(data, "one"), make_store(data, "two")
    names = sorted(p.relative_to(one.path) for p in one.path.rglob("*") if p.is_file())
    assert all((one.path / n).read_bytes() == (two.path / n).read_bytes() for n in names)
    assert one.digest == two.digest


def test_layout_of_bytes(make_store: Callable[..., Store]) -> None:
    """The documented bytes: header, data, padding, offsets."""
    store = make_store({("train", "a"): {"en": [[4, 5], [], [6]]}})
    expected = b"MTDSHARD" + (1).to_bytes(8, "little") + bytes([4, 5, 6]) + bytes(5)
    expected += b"".join(o.to_bytes(4, "little") for o in (0, 2, 2, 3))
    assert (store.path / shard_path(0)).read_bytes() == expected
    assert store.manifest.token_dtype == "uint8"


def test_writer_streams(tmp_path: Path) -> None:
    """Columns are iterables that are read once, one after the other, and not held."""
    alive = peak = 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def column() -> Any:
        nonlocal alive, peak
        for _ in range(50_000):
            alive += 1
            peak = max(peak, alive)
            yield np.array([4, 5, 6], dtype=np.uint16).view(Counted)

    with StoreWriter(tmp_path / "s", Vocabulary(PIECES, LANGUAGES), None) as writer:
        writer.add_corpus("a", "train", {"en": blocks_of(column()), "de": blocks_of(column())}, provenance={})
        writer.finish({})
    assert peak < 40_000
    assert Store(tmp_path / "s").corpora("train")[0].tokens("de") == 150_000


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"en": [[4]], "de": [[4], [5]]}, "differ in rows"),
        ({"en": [[2]]}, "neither a piece nor"),
        ({"en": [[304]]}, "neither a piece nor"),
        ({"fr": [[4]]}, "not all in the vocabulary"),
        ({"en": [[4] * 200]}, "too many for one shard"),
    ],
)
def test_failed_writer_leaves_nothing(tmp_path: Path, columns: dict[str, list[list[int]]], message: str) -> None:
    """Wrong input raises, and neither the store nor its temporary directory stays."""
    vocabulary = Vocabulary(PIECES, LANGUAGES)
    with (
        pytest.raises(ValueError, match=message),
        StoreWriter(tmp_path / "s", vocabulary, None, shard_bytes=128) as writer,
    ):
        arrays = {code: blocks_of(np.array(s) for s in rows) for code, rows in columns.items()}
        writer.add_corpus("a", "train", arrays, provenance={})
    assert list(tmp_path.iterdir()) == []


def test_writer_keeps_what_stands_there(tmp_path: Path) -> None:
    """A store is never overwritten."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "precious").touch()
    with pytest.raises(UserError, match="exists already"):
        StoreWriter(tmp_path / "s", Vocabulary(PIECES, LANGUAGES), None)
    assert (tmp_path / "s" / "precious").exists()


def test_corpora_of_a_split(small_store: Store) -> None:
    """Splits, and the directions that each has sentences for."""
    assert small_store.splits == ("train", "valid")
    assert [c.name for c in small_store.corpora("train")] == ["nway", "pairs"]
    with pytest.raises(UserError, match="no split 'test'; the store has train, valid"):
        small_store.corpora("test")
    counts = available(small_store, "train")
    assert len(counts) == 12
    nway = small_store.corpora("train")[0]
    both = (nway.lengths("en") > 0) & (nway.lengths("de") > 0)
    assert next(iter(counts.values())) == both.sum() + 70


def test_subwords_of_the_store(small_store: Store) -> None:
    """The store brings its subword model."""
    subwords = small_store.subwords()
    assert subwords.decode(subwords.encode(["Two young men"])[0]) == "Two young men"


def test_pickled_corpus_reads_on(small_store: Store) -> None:
    """A worker's copy opens its own maps."""
    corpus = small_store.corpora("train")[0]
    before = [corpus.sentence("en", r).tolist() for r in range(20)]
    copy = pickle.loads(pickle.dumps(corpus))
    assert [copy.sentence("en", r).tolist() for r in range(20)] == before


def test_a_fork_reads_while_a_thread_of_the_parent_does(small_store: Store) -> None:
    """DataLoader workers are forked while the prefetching thread is anywhere, here inside `ShardMaps.view`."""
    corpus = small_store.corpora("train")[0]
    expected = corpus.sentence("en", 3).tolist()
    locked, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with corpus._maps._lock:
            locked.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a lock that stays locked ends the child
        os._exit(0 if corpus.sentence("en", 3).tolist() == expected else 1)
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert corpus.sentence("en", 3).tolist() == expected


def _edit(store: Store, change: Callable[[Any], None]) -> None:
    path = store.path / "manifest.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def _swap(document: Any, *keys: Any, by: int) -> None:
    for key in keys[:-1]:
        document = document[key]
    document[keys[-1]] += by


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "format version 2, this mtdeep reads version 1"),
        (lambda d: d.update(format="other"), "not the manifest of a store"),
        (lambda d: d.pop("corpora"), "damaged, missing or malformed entry 'corpora'"),
        (lambda d: d["corpora"][0].pop("rows"), "damaged, missing or malformed entry"),
        (lambda d: d["corpora"].pop(), "do not add up: totals"),
        (lambda d: d["corpora"].append(d["corpora"][0]), "do not add up"),
        (lambda d: _swap(d, "totals", "tokens", by=1), "do not add up: totals"),
        (lambda d: _swap(d, "corpora", 0, "rows", by=1), "corpus 'nway' of split 'train'"),
        (lambda d: _swap(d, "corpora", 0, "columns", 1, "segments", 0, "units", by=1), "tokens of 'de'"),
        (lambda d: _swap(d, "corpora", 0, "columns", 1, "segments", 0, "data", by=10**9), "lies outside"),
        (lambda d: _swap(d, "corpora", 0, "pairs", 0, by=10**6), "shares more rows"),
        (lambda d: d["corpora"][0]["pairs"].pop(), "pair counts"),
        (lambda d: _swap(d, "files", "dict.txt", "bytes", by=-3), r"dict\.txt: not the dictionary"),
        (lambda d: _swap(d, "files", "dict.txt", "bytes", by=3), r"dict\.txt: truncated, expected"),
        (lambda d: _swap(d, "files", "sentencepiece.model", "bytes", by=-3), r"\.model: longer than it was written"),
        (lambda d: _swap(d, "vocabulary", "size", by=1), r"dict\.txt: not the dictionary"),
    ],
)
def test_damaged_manifest(small_store: Store, change: Callable[[Any], None], message: str) -> None:
    """Each kind of damage is one sentence with the file."""
    _edit(small_store, change)
    with pytest.raises(UserError, match=message) as raised:
        Store(small_store.path)
    assert str(small_store.path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_truncated_token_file(small_store: Store) -> None:
    """The file, the bytes it should have and those it has."""
    shard = small_store.path / shard_path(0)
    size = shard.stat().st_size
    os.truncate(shard, size - 100)
    with pytest.raises(UserError, match=rf"000000\.bin: truncated, expected {size} bytes and found {size - 100}"):
        Store(small_store.path)
    shard.unlink()
    with pytest.raises(UserError, match=r"000000\.bin: missing"):
        Store(small_store.path)


def test_flipped_bits(small_store: Store) -> None:
    """A header is seen at once, a token by `verify`."""
    shard = small_store.path / shard_path(0)
    good = shard.read_bytes()
    shard.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    with pytest.raises(UserError, match=r"000000\.bin: damaged, its digest"):
        Store(small_store.path).verify()
    shard.write_bytes(b"X" + good[1:])
    with pytest.raises(UserError, match=r"000000\.bin: not a shard"):
        Store(small_store.path)


def test_a_file_beside_the_sentences(vocabulary: Vocabulary, spm_model: bytes, tmp_path: Path) -> None:
    """It is listed and checked like any other, changes nothing of the data's identity, and takes no name twice."""
    for name in ("with", "without"):
        with StoreWriter(tmp_path / name, vocabulary, spm_model) as writer:
            writer.add_corpus("c", "train", {"en": blocks_of([np.array([5, 6])])}, provenance={})
            if name == "with":
                writer.add_file("report/index.html", b"<p>")
            for taken in ("manifest.json", "dict.txt", "sentencepiece.model", "shards/000000.bin"):
                with pytest.raises(ValueError, match="already"):
                    writer.add_file(taken, b"")
            writer.finish({})
    store = Store(tmp_path / "with")
    store.verify()
    assert store.manifest.files["report/index.html"].bytes == 3
    assert store.digest == Store(tmp_path / "without").digest
    (store.path / "report" / "index.html").write_bytes(b"<b>")
    with pytest.raises(UserError, match=r"report/index\.html: damaged"):
        store.verify()


def test_not_a_store(tmp_path: Path) -> None:
    """Nothing, an empty directory, a file, and JSON that is none."""
    with pytest.raises(UserError, match="no such directory"):
        Store(tmp_path / "missing")
    with pytest.raises(UserError, match=r"no manifest\.json"):
        Store(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="not a store but a file"):
        Store(tmp_path / "file")
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="damaged, not JSON"):
        Store(tmp_path)
    (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match="not the manifest"):
        Store(tmp_path)


@pytest.mark.parametrize("bilingual", [False, True], ids=["nway", "bilingual"])
def test_7482_directions_need_few_files(tmp_path: Path, bilingual: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """87 languages, 87 * 86 directions: file descriptors and files do not grow with them."""
    codes = [f"q{a}{b}" for a in "abcd" for b in "abcdefghijklmnopqrstuvwxyz"][:87]
    rng = np.random.default_rng(1)
    sentences = [rng.integers(FIRST, LAST, n) for n in rng.integers(1, 20, 40)]
    with StoreWriter(tmp_path / "s", Vocabulary(PIECES, tuple(codes)), None, shard_bytes=1 << 16) as writer:
        if bilingual:
            for i, source in enumerate(codes):
                for target in codes[i + 1 :]:
                    columns = {source: blocks_of(sentences[:5]), target: blocks_of(sentences[5:10])}
                    writer.add_corpus(f"{source}-{target}", "train", columns, provenance={})
        else:
            writer.add_corpus("nway", "train", {code: blocks_of(sentences) for code in codes}, provenance={})
        writer.finish({})
    before = len(os.listdir("/proc/self/fd"))
    start = time.perf_counter()
    store = Store(tmp_path / "s")
    counts = available(store, "train")
    seconds = time.perf_counter() - start
    assert len(counts) == 7482
    assert len(os.listdir("/proc/self/fd")) == before
    for corpus in store.corpora("train"):
        for code in corpus.languages:
            corpus.lengths(code)
    assert len(os.listdir("/proc/self/fd")) - before < 50
    with capsys.disabled():
        print(f"\n7,482 directions opened in {seconds:.2f} s")
