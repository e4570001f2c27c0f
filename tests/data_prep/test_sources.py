"""From options to sources: short forms, codes, paths, and what is wrong, in a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.parquet import Parquet
from data_prep.readers.plain_text import PlainText
from data_prep.readers.po import Gettext
from data_prep.readers.store import StoreRows
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from data_prep.readers.xliff import Xliff
from data_prep.sources import make_source

ROOT = Path("/data")


def made(reader: str, given: Any, languages: tuple[str, ...] = ()) -> Any:
    return make_source(reader, given, languages, ROOT.joinpath)


def test_a_pattern_and_a_mapping_are_the_files_of_each_language() -> None:
    files = {"en": ROOT / "a.en", "de": ROOT / "a.de"}
    assert made("plain_text", "a.{language}", ("en", "de")) == PlainText(files)
    assert made("plain_text", {"eng": "a.en", "deu_Latn": "a.de"}) == PlainText(files)
    given = {"files": {"en": "a.en", "de": "a.de"}, "scores": "a.scores", "longest": 99}
    assert made("plain_text", given) == PlainText(files, ROOT / "a.scores", 99)
    assert made("gettext", {"files": {"de": "de.mo"}, "source": "eng"}) == Gettext({"de": ROOT / "de.mo"}, "en")


def test_a_pattern_may_stand_for_any_mapping_from_languages() -> None:
    """Codes stand in it as they were written."""
    read = made("parquet", {"path": "a", "columns": "translation.{language}"}, ("deu", "en"))
    assert read == Parquet(ROOT / "a", {"de": "translation.deu", "en": "translation.en"})
    given = {"files": "a.{language}", "scores": "a.scores"}
    assert made("plain_text", given, ("en",)) == PlainText({"en": ROOT / "a.en"}, ROOT / "a.scores")
    zipped = made("moses_zip", {"path": "a.zip", "members": "a.{language}"}, ("en", "de"))
    assert zipped == MosesZip(ROOT / "a.zip", ("en", "de"), {"en": "a.en", "de": "a.de"})


def test_a_path_is_enough_where_one_file_is_read() -> None:
    assert made("tmx", "/other/a.tmx", ("en", "zh-Hans")) == Tmx(Path("/other/a.tmx"), ("en", "zh-Hans"))
    assert made("tsv", {"path": "a.tsv", "columns": {"en": 1, "zh_CN": "chinese"}, "header": True}) == Tsv(
        ROOT / "a.tsv", {"en": 1, "zh-Hans": "chinese"}, header=True
    )
    assert made("xliff", {"path": "a.xlf", "source": "eng", "target": "deu"}) == Xliff(ROOT / "a.xlf", "en", "de")
    assert made("store", {"path": "s", "corpus": "c"}, ("en", "de")) == StoreRows(ROOT / "s", "c", ("en", "de"))


def test_two_languages_are_source_and_target() -> None:
    expected = Xliff(ROOT / "a.xlf", "de", "en")
    assert made("xliff", "a.xlf", ("deu", "en")) == expected
    assert made("xliff", {"path": "a.xlf", "source": "de", "target": "en"}, ("en", "de")) == expected
    with pytest.raises(ValueError, match="`languages` are not its source and target; give one of both"):
        made("xliff", {"path": "a.xlf", "source": "de", "target": "en"}, ("en", "fr"))
    with pytest.raises(ValueError, match="reader xliff needs source, target"):
        made("xliff", "a.xlf", ("en", "fr", "de"))


def test_the_file_of_one_language_needs_no_pattern() -> None:
    assert made("plain_text", "a.txt", ("deu",)) == PlainText({"de": ROOT / "a.txt"})
    german = Gettext({"de": ROOT / "de.po"})
    assert made("gettext", "de.po", ("de",)) == made("gettext", "de.po", ("en", "de")) == german
    assert made("gettext", "{language}.po", ("en", "de")) == german


@pytest.mark.parametrize(
    "reader, given, message",
    [
        ("tsv", {"path": "a", "colums": {"en": 1}}, "reader tsv has no option 'colums'; did you mean 'columns'?"),
        ("tsv", {"path": "a"}, "reader tsv needs columns"),
        ("tsv", {"path": "a", "columns": [1]}, "columns: input should be a valid dictionary, not [1]"),
        ("tmx", "a.tmx", "reader tmx needs languages"),
        ("tmx", {"path": "a", "languages": ["en"], "codes": "x"}, "codes: input should be 'drop', 'space' or 'keep'"),
        ("plain_text", "a.en", "'a.en' needs {language} where the code stands"),
        ("plain_text", "a.{language}", "the pattern 'a.{language}' needs `languages`"),
        ("tsv", {"path": "a", "columns": "{language}"}, "the pattern '{language}' needs `languages`"),
        ("xliff", {"path": "a", "source": 7, "target": "de"}, "source: input should be a valid string, not 7"),
        ("gettext", {"files": {"de": "a"}, "source": 7}, "source: input should be a valid string, not 7"),
        ("plain_text", {"en": "a", "eng": "b"}, "'eng' is the same as 'en'; name it once"),
        ("plain_text", {"qqqq": "a"}, "qqqq"),
        ("gettext", {"en": "a", "de": "b"}, "'en' is the language of the messages themselves (`source: en`)"),
        ("cldr", "a", "reader cldr reads no file"),
    ],
)
def test_what_is_wrong_is_a_sentence(reader: str, given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        made(reader, given)
