"""What is written on the command line, as sources; each mistake in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.leak_check.sources import corpora_of, scored_splits
from data_prep.readers.plain_text import PlainText
from data_prep.readers.store import StoreRows
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from mtdeep.errors import UserError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("t.en", "t.zho_Hans", "a.tsv", "m.tmx.gz"):
        Path(name).write_text("x\n")


def test_a_pattern_has_the_codes_as_they_are_written(tmp_path: Path) -> None:
    (corpus,) = corpora_of("--test", ["t.{language}"], ["en", "zho_Hans"])
    assert corpus.name == "t.{language}"
    assert corpus.source == PlainText({"en": Path("t.en"), "zh-Hans": Path("t.zho_Hans")})


def test_the_ending_tells_the_reader_and_braces_say_everything() -> None:
    tmx, tsv, files = corpora_of(
        "--train",
        ["m.tmx.gz", "{name: mined, reader: tsv, path: a.tsv, columns: {en: 1, de: 2}}", "{en: t.en}"],
        ["en", "de"],
    )
    assert tmx.source == Tmx(Path("m.tmx.gz"), ("en", "de"))
    assert (tsv.name, tsv.source) == ("mined", Tsv(Path("a.tsv"), {"en": 1, "de": 2}))
    assert files.source == PlainText({"en": Path("t.en")})


def test_of_a_store_the_scored_splits_are_meant(write_store, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    lines = {"en": ["one two", "three"], "de": ["eins zwei", "drei"]}
    store = write_store(tmp_path / "store", ("en", "de"), {("a", "train"): lines, ("a", "test"): lines}, 18)
    expected = [("a/test", StoreRows(store.path, "a", ("en", "de"), "test"))]
    for found in (scored_splits(store), corpora_of("--test", [str(store.path)], [])):
        assert [(corpus.name, corpus.source) for corpus in found] == expected
    (english,) = scored_splits(store, ["eng_Latn"])
    assert english.source == StoreRows(store.path, "a", ("en",), "test")
    with pytest.raises(UserError, match="have no fr, only en, de; leave it out"):
        scored_splits(store, ["en", "fr"])
    alone = write_store(tmp_path / "alone", ("en", "de"), {("a", "train"): lines}, 18)
    with pytest.raises(UserError, match="no split but 'train'; give test sets with --test"):
        scored_splits(alone)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["t.{language}"], "needs `languages`, a list of codes; give --languages"),
        (["m.tmx"], "there is no file m.tmx; correct the path"),
        (["t.en"], "needs {language} where the code stands"),
        (["a.tsv"], "reader tsv needs columns"),
        (["{reader: tsf, path: a.tsv}"], "no reader 'tsf'; there are plain_text, tsv"),
        (["{reader: mtdata, splits: {test: X-a-1-deu-eng}}"], "ids of mtdata and `pairs` are for mtdeep prepare"),
        (["{pairs: all, path: '{source}-{target}'}"], "ids of mtdata and `pairs` are for mtdeep prepare"),
        (["{reader: tsv, path: a.tsv, columns: {english: 1}}"], "unknown language code 'english'"),
        (["{reader: tsv"], "not valid YAML"),
        (["{}"], "reader plain_text needs files"),
        (["{en: t.en}", "{en: t.en}"], "is given twice; leave one out"),
    ],
)
def test_mistakes_are_sentences(given: list[str], says: str) -> None:
    languages = ["en"] if given == ["m.tmx"] else []
    with pytest.raises(UserError) as raised:
        corpora_of("--test", given, languages)
    assert says in str(raised.value) and str(raised.value).startswith("--test") and "\n" not in str(raised.value)
