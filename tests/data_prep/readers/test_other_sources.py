"""Stores, the built-in corpus, zip archives with scores: what the tests of damage and round trips leave open."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.readers.cldr import generate
from data_prep.readers.cldr.source import CldrPhrases
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.parquet import Parquet
from data_prep.readers.plain_text import PlainText
from data_prep.readers.po import Gettext
from data_prep.readers.store import StoreRows
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from mtdeep.corpus import StoreWriter
from mtdeep.errors import UserError

LINES = {
    "en": ["a dog runs", "", "two dogs run", "a cat sleeps"],
    "de": ["ein Hund rennt", "zwei", "", "eine Katze schläft"],
    "fr": ["un chien court", "deux", "", "un chat dort"],
}


@pytest.fixture(scope="module")
def store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "store"
    columns = {("animals", "train"): LINES, ("animals", "valid"): {"en": [" A  dog"], "de": ["Ein Hund"]}}
    write_store(path, tuple(LINES), columns, 40)
    return path


def test_a_store_gives_its_text_back(read_all, store: Path) -> None:
    assert read_all(StoreRows(store, "animals", tuple(LINES))).columns == LINES
    assert read_all(StoreRows(store, "animals", ("fr", "en"))).columns == {"fr": LINES["fr"], "en": LINES["en"]}
    # The raw text, where it is kept, not what the pieces make of it.
    assert read_all(StoreRows(store, "animals", ("en", "de"), "valid")).rows == [(" A  dog", "Ein Hund")]


def test_an_old_store_s_codes_mean_what_they_mean_today(read_all, write_store, tmp_path: Path) -> None:
    """`no_NO` was no-NO: what is read as nb-NO."""
    lines = {"en": ["a dog runs"], "no-NO": ["en hund"]}
    store = write_store(tmp_path / "store", tuple(lines), {("old", "train"): lines}, 15)
    assert read_all(StoreRows(store.path, "old", ("en", "nb-NO"))).columns == {"en": lines["en"], "nb-NO": ["en hund"]}


def test_unknown_tokens_are_no_text(read_all, train_subwords, tmp_path: Path) -> None:
    subwords, model = train_subwords([line for column in LINES.values() for line in column], tuple(LINES), 40)
    columns = {**LINES, "de": [*LINES["de"][:3], "eine 猫"]}
    path = tmp_path / "store"
    with StoreWriter(path, subwords.vocabulary, model) as writer:
        ids = {language: [subwords.encode_block(column)] for language, column in columns.items()}
        writer.add_corpus("animals", "train", ids, provenance={})
        writer.finish({})
    pair = read_all(StoreRows(path, "animals", ("en", "de")), 2)
    assert pair.rows == list(zip(LINES["en"][:3], LINES["de"][:3], strict=True))
    assert [(r.reason, r.place) for r in pair.rejected] == [("unknown to the store's vocabulary", "row 3")]
    every = read_all(StoreRows(path, "animals", tuple(LINES)), 2)
    assert every.rows[3] == ("a cat sleeps", "", "un chat dort")
    assert every.gaps == {"de": {"unknown to the store's vocabulary": 1}}
    assert [text.place for text in every.rejected_texts] == ["row 3"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (("plants", ("en",)), "no corpus 'plants' in split 'train'; it has animals"),
        (("animals", ("en",), "test"), "no split 'test'"),
        (("animals", ("en", "ja")), "corpus 'animals' has no language 'ja'"),
    ],
)
def test_what_a_store_lacks(read_all, store: Path, source: tuple, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_all(StoreRows(store, *source))


def test_the_built_in_corpus(read_all) -> None:
    languages, lines = ("en", "de", "ja"), {"train": 40, "test": 5}
    for phrases in generate("cldr", languages, lines, seed=2, entities=20):
        found = read_all(CldrPhrases(languages, lines, phrases.split, seed=2, entities=20), 7)
        assert found.rows == list(phrases.rows)
        assert found.counts == phrases.rejected


def test_scores_and_names_in_a_zip(read_all, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, lines in {"a.en": "1\n2\n", "a.de": "x\ny\n", "a.scores": "0.5\n?\n", "b": "un\ndeux\n"}.items():
            archive.writestr(name, lines)
    found = read_all(MosesZip(path, ("en", "fr", "de"), members={"fr": "b"}, scores="a.scores"))
    assert (found.rows, found.scores, found.reasons) == ([("1", "un", "x")], [0.5], {"score is no number": 1})


def test_strings_of_every_type_of_arrow(read_all, tmp_path: Path) -> None:
    texts = ["a", None, "ä"]
    kinds = {"en": pa.string(), "de": pa.large_string(), "fr": pa.dictionary(pa.int32(), pa.string())}
    columns = {code: pa.array(texts, kind) for code, kind in kinds.items()}
    pq.write_table(pa.table({**columns, "ja": pa.nulls(3)}), tmp_path / "a")
    found = read_all(Parquet(tmp_path / "a", {code: code for code in (*kinds, "ja")}))
    assert found.rows == [("a", "a", "a", ""), ("ä", "ä", "ä", "")]
    assert found.reasons == {"no text in the languages asked for": 1}


def test_a_long_text_in_every_row_is_in_memory_once(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"en": texts}), tmp_path / "a", dictionary_pagesize_limit=1 << 20, store_schema=False)
    (batch,) = Parquet(tmp_path / "a", {"en": "en"}).batches(2000)
    assert len(batch.columns["en"]) == 2000
    assert len({id(text) for text in batch.columns["en"]}) <= 2  # 1,024 rows are decoded at a time


def test_a_source_can_be_sent_to_another_process(read_all, write) -> None:
    path = write("a", "one\n")
    memory = write("a.tmx", '<tmx><tu><tuv lang="en"><seg>a</seg></tuv></tu></tmx>')
    catalogue = write("a.po", 'msgid "a"\nmsgstr "b"\n')
    for source in (PlainText({"en": path}), Tmx(memory, ("en",)), Gettext({"de": catalogue})):
        copy = pickle.loads(pickle.dumps(source))
        assert copy == source
        assert read_all(copy) == read_all(source)
        assert all(given.is_file() for given in copy.inputs)


def test_lines_of_tsv_behind_many_damaged_ones(read_all, write) -> None:
    path = write("a.tsv", b"\xff\n" * 1200 + b"en\tde\none\teins\nodd\n")
    found = read_all(Tsv(path, {"en": "en", "de": "de"}), 1000)
    assert found.rows == [("one", "eins")]
    assert found.reasons == {"invalid UTF-8": 1200, "fewer columns than most lines": 1}
