"""Pairs in names of files: every reading of a name is tried, and what is not clear is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.pairs import LanguagePair, distinct, pairs_on_disk, parse_pair, paths_in

CODES = ("en", "de", "deu_Latn", "zh-Hans", "zh_Hant", "sr-Latn", "pt-BR", "fr-ca", "fr", "ca", "gsw-x-bern")
PATTERNS = (
    "{source}-{target}/train.{language}",
    "{language}/{source}-{target}.{language}.gz",
    "opus.{source}-{target}-train.{language}",
    "{target}2{source}.tsv",
    "x/{source}/{target}/{source}_to_{target}.{language}",
)


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.parametrize(
    ("written", "pair", "name"),
    [
        ("de-en", ("de", "en"), "de-en"),
        ("zh-Hans-en", ("zh-Hans", "en"), "zh_Hans-en"),
        ("eng_Latn-zho_Hans", ("eng_Latn", "zho_Hans"), "en-zh_Hans"),
        ("sr-Latn-pt-BR", ("sr-Latn", "pt-BR"), "sr_Latn-pt_BR"),
        ("fr-CA-es", ("fr-CA", "es"), "fr_CA-es"),  # fr and ca-ES would be written so
        ("fr-ca-ES", ("fr", "ca-ES"), "fr-ca_ES"),
        (["fr-ca", "es"], ("fr-ca", "es"), "fr_CA-es"),
    ],
)
def test_written_pairs(written: Any, pair: tuple[str, str], name: str) -> None:
    assert parse_pair(written) == LanguagePair(*pair)
    assert str(parse_pair(written)) == name


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("fr-ca-es", "'fr-ca-es': the pair may be [fr, ca-es] or [fr-ca, es]; write in `pairs` which it is"),
        ("de-foo", "'de-foo': not the codes of two languages (read as [de, foo]); correct it"),
        ("de-deu", "'de-deu': not the codes of two languages (read as [de, deu]); correct it"),
        ("deen", "'deen': not the codes of two languages; correct it"),
        (["en", False], "a pair is written de-en or [fr-CA, es] (the code no in quotes, as YAML has it), not"),
        (3, "a pair is written"),
    ],
)
def test_what_is_no_pair_is_told(written: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_pair(written)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(st.builds(LanguagePair, *[st.sampled_from(CODES)] * 2).filter(lambda pair: pair.codes), min_size=1),
    pattern=st.sampled_from(PATTERNS),
)
def test_what_is_written_by_a_pattern_is_found_by_it_or_told(
    pairs: list[LanguagePair], pattern: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Other files lie beside; a name with several readings is never taken for one of them."""
    folder = tmp_path_factory.mktemp("pairs")
    touch(folder / "x" / "README.md")
    for pair in pairs:
        for language in (pair.source, pair.target):
            touch(folder / pair.filled(pattern).replace("{language}", language))
    try:
        found = pairs_on_disk(pattern, folder.joinpath)
    except ValueError as error:
        assert "the pair may be [" in str(error)
        assert any("-" in code for pair in pairs for code in (pair.source, pair.target))
    else:
        assert set(found) == set(pairs)
        assert all(path.is_file() for path in found.values())


@pytest.mark.parametrize(
    ("files", "pattern", "message"),
    [
        (["de-en.tsv"], "{source}-{target}.txt", "the pattern '{source}-{target}.txt' matches no file; correct it"),
        (["de-en.tsv"], "no/{source}-{target}.tsv", "matches no file"),
        (["de-en.tsv"], "de-en.tsv/{source}-{target}", "matches no file"),
        (["de-foo.tsv"], "{source}-{target}.tsv", "/de-foo.tsv: not the codes of two languages (read as [de"),
        (["foo-bar/a.en", "foo-bar/a.foo"], "{source}-{target}/a.{language}", "/a.foo: not the codes of two languages"),
        (["fr-ca-es"], "{source}-{target}", "/fr-ca-es: the pair may be [fr, ca-es] or [fr-ca, es]; write in `pairs`"),
    ],
)
def test_files_that_cannot_be_meant_are_told(tmp_path: Path, files: list[str], pattern: str, message: str) -> None:
    for name in files:
        touch(tmp_path / name)
    with pytest.raises(ValueError, match=re.escape(message)):
        pairs_on_disk(pattern, tmp_path.joinpath)


def test_a_file_that_says_its_language_leaves_one_reading(tmp_path: Path) -> None:
    touch(tmp_path / "fr-ca-es" / "train.fr-ca")
    found = pairs_on_disk("{source}-{target}/train.{language}", tmp_path.joinpath)
    assert found == {LanguagePair("fr-ca", "es"): tmp_path / "fr-ca-es" / "train.fr-ca"}


def test_each_pair_of_languages_has_one_spelling() -> None:
    one, again, other = LanguagePair("en", "de"), LanguagePair("deu", "eng"), LanguagePair("cs", "en")
    assert distinct([(one, "a"), (other, "b"), (one, "c")]) == [other, one]
    with pytest.raises(ValueError, match=r"^a and c are of the same languages; list one of them in `pairs`$"):
        distinct([(one, "a"), (other, "b"), (again, "c")])


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("{source}-{target}.tmx", ["{source}-{target}.tmx"]),
        ({"path": "{source}-{target}.tsv", "columns": {"{source}": 1}}, ["{source}-{target}.tsv"]),
        ({"files": "{source}-{target}.{language}", "scores": "s"}, ["{source}-{target}.{language}"]),
        ({"files": {"{source}": "{source}{target}/s", "{target}": "{source}{target}/t"}}, ["{source}{target}/s"] * 2),
        ({"{source}": "{source}{target}/s", "{target}": "{source}{target}/t"}, ["{source}{target}/s"] * 2),
    ],
)
def test_paths_in_options(given: Any, paths: list[str]) -> None:
    assert [path.replace("/t", "/s") for path in paths_in(given)] == paths


@pytest.mark.parametrize("given", ["{source}.tmx", {"path": "{source}", "columns": {"en": "{target}"}}, {"longest": 3}])
def test_paths_need_both_places(given: Any) -> None:
    with pytest.raises(ValueError, match=r"`pairs` needs \{source\} and \{target\} in every path"):
        paths_in(given)
