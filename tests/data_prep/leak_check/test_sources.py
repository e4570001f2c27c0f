"""What is written on the command line, as sources; each mistake in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.leak_check.sources import corpora_of, scored_splits
from data_prep.readers.plain_text import PlainText
from data_prep.readers.po import Gettext
from data_prep.readers.store import StoreRows
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from data_prep.readers.xliff import Xliff
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


def xliff(name: str, languages: str) -> str:
    """Write a file of one unit; returns its name."""
    unit = '<body><trans-unit id="1"><source>a</source><target>b</target></trans-unit></body>'
    Path(name).write_text(f'<xliff version="1.2"><file original="x" {languages}>{unit}</file></xliff>')
    return name


@pytest.mark.parametrize(
    ("own", "languages", "sides"),
    [
        ('source-language="de-DE" target-language="en-GB"', ["en", "de"], ("de", "en")),  # whatever order they are in
        ('source-language="de" target-language="fr"', ["en", "fr", "de"], ("de", "fr")),  # all of a store's
        ('source-language="de" target-language="fr"', [], ("de", "fr")),
        ('source-language="en"', ["de", "en"], ("en", "de")),
        ('target-language="en"', ["de", "en"], ("de", "en")),
        ('target-language="de"', ["de", "en"], ("en", "de")),
    ],
)
def test_an_xliff_file_says_which_language_is_which(own: str, languages: list[str], sides: tuple[str, str]) -> None:
    (corpus,) = corpora_of("--test", [xliff("x.xlf", own)], languages)
    assert corpus.source == Xliff(Path("x.xlf"), *sides)


@pytest.mark.parametrize(
    ("own", "languages", "says"),
    [
        ('source-language="de" target-language="fr"', ["en", "de"], "it is in de and fr, which are not two of the"),
        ("", ["en", "de"], "it is in a language that it does not name and a language that it does not name, which"),
        ('source-language="de"', ["en", "de", "fr"], "it is in de and a language that it does not name"),
        ('source-language="de" target-language="de"', ["en", "de"], "it is in de and de"),
        ('source-language="fr"', ["en", "de"], "it is in fr and a language that it does not name"),
    ],
)
def test_an_xliff_file_in_other_languages(own: str, languages: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        corpora_of("--test", [xliff("x.xlf", own)], languages)
    assert "x.xlf" in str(raised.value) and "\n" not in str(raised.value)
    assert str(raised.value).count("--languages") == 1


def test_one_catalogue_is_that_of_the_other_language() -> None:
    """Of the languages asked for, one is what messages are written in."""
    Path("de.po").write_text("x")
    (corpus,) = corpora_of("--test", ["de.po"], ["en", "de"])
    assert corpus.source == Gettext({"de": Path("de.po")})


def test_a_home_folder_is_understood_where_no_shell_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (corpus,) = corpora_of("--test", ["{en: ~/t.en}"], [])
    assert corpus.source == PlainText({"en": tmp_path / "t.en"})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["t.{language}"], "needs `languages`, a list of codes; give --languages"),
        (["m.tmx"], "no file m.tmx; correct the path"),
        (["d"], "d is a folder; name a file in it, or d/* for all of them"),
        (["u.{language}"], "no file u.en; correct the path, or --languages"),
        (["y.tmx"], "reader tmx needs languages; give --languages"),
        (["?.xlf"], "--test 'e.xlf': it has no unit to compare; leave it out"),
        (["?.odd"], r"\xff.odd: its name is not UTF-8; rename it, or narrow the pattern"),
        (["\udcff.odd"], r"--test '\udcff.odd': its name is not UTF-8; rename it"),
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
    languages = ["en"] if given in (["m.tmx"], ["u.{language}"], ["d"]) else []
    Path("d").mkdir()
    Path("m.tmx.gz").rename("y.tmx")
    Path("\udcff.odd").touch()
    Path("e.xlf").write_text('<xliff version="1.2"><file original="x"><body/></file></xliff>')
    with pytest.raises(UserError) as raised:
        corpora_of("--test", given, languages)
    assert says in str(raised.value) and str(raised.value).startswith("--test") and "\n" not in str(raised.value)
