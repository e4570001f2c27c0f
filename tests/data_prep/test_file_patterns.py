"""Patterns of paths: what they mean, beside Python's own glob and beside places for codes."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data_prep.file_patterns import has_wildcard, matches
from data_prep.many_files import every_language, expanded
from data_prep.readers.plain_text import PlainText
from data_prep.readers.po import Gettext
from data_prep.readers.source import Source
from data_prep.readers.xliff import Xliff
from data_prep.sources import make_source

names = st.text("ab.-1", min_size=1, max_size=4).filter(lambda name: name.strip("."))
tokens = st.sampled_from(["a", "b", ".", "1", "*", "?", "[ab]", "[!a]"])
patterns = st.lists(tokens, min_size=1, max_size=4).map("".join)


def touch(folder: Path, *files: str) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(folder: Path, pattern: str) -> list[str]:
    return [str(path.relative_to(folder)) for path, _ in matches(folder / pattern, folder)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names, names), max_size=6), st.lists(patterns | st.just("**"), min_size=1, max_size=3))
@example([("-a", "b")], ["**", "b", "**"])
@example([("a", ".b"), ("a", "b.b")], ["*", "*.b"])
def test_wildcards_are_those_of_a_shell(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, str]], parts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("x")
    touch(folder, *(f"d{one}/{other}" for one, other in files))
    pattern = "/".join(part.lstrip(".") or "*" for part in parts)
    globbed = glob.glob(pattern, root_dir=folder, recursive=True)
    # As text: of `**/b/**` glob gives `b/` for a file b too, which is none.
    expected = {path for path in globbed if os.path.isfile(f"{folder}/{path}")}
    assert {path for path in found(folder, pattern) if (folder / path).is_file()} == expected


def test_names_are_sorted_and_a_folder_s_own_name_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "[a]*"
    touch(folder, "c.tsv", "b.tsv", "x/a.tsv")
    assert found(folder, "*.tsv") == ["b.tsv", "c.tsv"]
    assert found(folder, "**/*.tsv") == ["b.tsv", "c.tsv", "x/a.tsv"]


def test_folders_behind_links_come_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    touch(folder, "b/x.en", "b/c/y.en")
    touch(tmp_path, "out/z.en")
    (folder / "a").symlink_to("b")  # a folder that has its own name there too
    (folder / "b/up").symlink_to("..")  # a circle
    (folder / "far").symlink_to(tmp_path / "out")
    (folder / "nowhere").symlink_to("nothing")
    assert found(folder, "**/*.en") == ["b/c/y.en", "b/x.en", "far/z.en"]


def test_a_name_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "nu/a.en", "nu/\udcff.en", "nu/\udcff.txt")
    with pytest.raises(ValueError, match=r"nu/\\xff\.en: its name is not UTF-8; rename it, or narrow the pattern"):
        found(tmp_path, "nu/*.{language}")
    assert found(tmp_path, "nu/a.*") == ["nu/a.en"]  # beside it


@pytest.mark.parametrize(("text", "has"), [("a*", True), ("a?", True), ("[ab]", True), ("a]b[", False), ("{a}", False)])
def test_what_is_a_pattern(text: str, has: bool) -> None:
    assert has_wildcard(text) is has


def sources(reader: str, options: Any, folder: Path, *languages: str) -> list[Source]:
    return expanded(make_source(reader, options, languages, folder.joinpath), folder)


def test_a_source_for_each_file(tmp_path: Path) -> None:
    touch(tmp_path, "b.xlf", "a.xlf", "c.txt")
    read = sources("xliff", "*.xlf", tmp_path, "en", "de")
    assert read == [Xliff(tmp_path / name, "en", "de") for name in ("a.xlf", "b.xlf")]


def test_wildcards_stand_for_the_same_in_every_language(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{code}/{n}.{code}.txt" for code in ("en", "de") for n in ("token", "two")), "s.token", "s.two")
    read = sources("plain_text", {"files": "{language}/*{language}*.txt"}, tmp_path, "en", "de")
    expected = [{code: tmp_path / code / f"{n}.{code}.txt" for code in ("en", "de")} for n in ("token", "two")]
    assert read == [PlainText(files) for files in expected]
    options = {"files": "{language}/*.{language}.txt", "scores": "s.*"}
    with_scores = sources("plain_text", options, tmp_path, "en", "de")
    assert with_scores == [PlainText(expected[0], tmp_path / "s.token"), PlainText(expected[1], tmp_path / "s.two")]


def test_a_file_that_has_a_pattern_s_name_is_meant(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].txt", "a1.txt", "b*.txt", "bb.txt")
    for name in ("a[1].txt", "b*.txt"):
        assert sources("plain_text", name, tmp_path, "en") == [PlainText({"en": tmp_path / name})]


@pytest.mark.parametrize(
    ("files", "pattern", "says"),
    [
        (["a.txt"], "*.{language}", "no file matches FOLDER/*.en; correct the pattern"),
        (["a.en/b", "a.de/b"], "*.{language}", "no file matches FOLDER/*.en"),  # a folder
        (["1.en", "1.de", "2.en"], "*.{language}", "FOLDER/2.en has no counterpart among FOLDER/*.de; add it"),
        (["1.en", "1.de", "2.de"], "*.{language}", "FOLDER/2.de has no counterpart among FOLDER/*.en"),
    ],
)
def test_files_that_are_missing_are_told(tmp_path: Path, files: list[str], pattern: str, says: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises(ValueError, match=re.escape(says.replace("FOLDER", str(tmp_path)))) as raised:
        sources("plain_text", pattern, tmp_path, "en", "de")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("files", "pattern", "expected"),
    [
        # GNU, installed and in a source tree; Django, of several applications; WordPress; KDE.
        (["locale/de/LC_MESSAGES/a.mo", "locale/sr@latin/LC_MESSAGES/a.mo", "locale/en@quot/LC_MESSAGES/a.mo"],
         "locale/{language}/LC_MESSAGES/a.mo", [{"de": 0, "sr-Latn": 1}]),
        (["po/pt_BR.po", "po/zh_CN.po", "po/POTFILES.in"], "po/{language}.po", [{"pt-BR": 0, "zh-Hans": 1}]),
        (["blog/locale/de/LC_MESSAGES/django.po", "blog/locale/fr/LC_MESSAGES/django.po",
          "shop/locale/de/LC_MESSAGES/django.po", "shop/locale/de/LC_MESSAGES/djangojs.po"],
         "**/locale/{language}/LC_MESSAGES/*.po", [{"de": 0, "fr": 1}, {"de": 2}, {"de": 3}]),
        (["languages/my-plugin-de_DE.po", "languages/my-plugin-pt_BR.po", "languages/my-plugin.pot"],
         "languages/my-plugin-{language}.po", [{"de-DE": 0, "pt-BR": 1}]),
        (["languages/my-plugin-de_DE.po", "languages/shop-de_DE.po"], "languages/*-{language}.po",
         [{"de-DE": 0}, {"de-DE": 1}]),
        (["l10n/de/messages/app/app.po", "l10n/uk/messages/app/app.po"], "l10n/{language}/messages/*/*.po",
         [{"de": 0, "uk": 1}]),
    ],
)  # fmt: skip
def test_all_locales_of_a_tree(tmp_path: Path, files: list[str], pattern: str, expected: list[dict[str, int]]) -> None:
    touch(tmp_path, *files)
    read = every_language("gettext", pattern, tmp_path.joinpath)
    wanted = [Gettext({code: tmp_path / files[i] for code, i in one.items()}) for one in expected]
    assert read.sources == wanted


def test_all_files_of_plain_text(tmp_path: Path) -> None:
    touch(tmp_path, "dev/deu_Latn.dev", "dev/eng_Latn.dev", "dev/README.dev", "dev/de.dev")
    read = every_language("plain_text", {"files": "dev/{language}.dev", "longest": 9}, tmp_path.joinpath)
    assert read.sources == [PlainText({"de": tmp_path / "dev/de.dev", "en": tmp_path / "dev/eng_Latn.dev"}, None, 9)]
    assert {path.name: why for path, why in read.left_out.items()} == {
        "README.dev": "README is no language's code", "deu_Latn.dev": f"it is de, as {tmp_path}/dev/de.dev is",
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"no file of a language matches 'no/\{language\}'; correct the pattern"):
        every_language("plain_text", "no/{language}", tmp_path.joinpath)


def test_endings_of_other_files_are_no_languages(tmp_path: Path) -> None:
    """ISO 639-3 has them all; where nothing follows it, and the languages are not listed, `x.bak` is no Bashkir."""
    endings = ("bak", "tmp", "old", "log", "txt", "bak.gz")
    touch(tmp_path, "x.de", "x.en", *(f"x.{ending}" for ending in endings), "y.bak.txt", "y.de.txt", "z/bak", "z/de")
    read = every_language("plain_text", "x.{language}", tmp_path.joinpath)
    assert read.sources == [PlainText({"de": tmp_path / "x.de", "en": tmp_path / "x.en"})]
    assert {path.name for path in read.left_out} == {f"x.{ending}" for ending in endings}
    assert "bak is most likely no language" in read.left_out[tmp_path / "x.bak"]
    for pattern, file in (("y.{language}.txt", "y.bak.txt"), ("z/{language}", "z/bak")):
        (source,) = every_language("plain_text", pattern, tmp_path.joinpath).sources
        assert source.inputs[0] == tmp_path / file
    assert sources("plain_text", "x.{language}", tmp_path, "en", "bak") == [
        PlainText({"en": tmp_path / "x.en", "ba": tmp_path / "x.bak"})
    ]
