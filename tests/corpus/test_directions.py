"""Specifications of directions, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mtdeep.corpus import Direction, Store, parse_directions
from mtdeep.errors import UserError

LANGUAGES = ("en", "de", "zh-Hans")


def shown(spec: str) -> list[str]:
    """The directions of a specification, as fairseq writes them."""
    return [str(direction) for direction in parse_directions(spec, LANGUAGES)]


def test_all() -> None:
    """N (N - 1) directions, in the order of the tags."""
    assert shown("all") == ["en-de", "en-zh_Hans", "de-en", "de-zh_Hans", "zh_Hans-en", "zh_Hans-de"]


def test_centric() -> None:
    """Out of and into one language."""
    assert shown("centric:zh_CN") == ["zh_Hans-en", "zh_Hans-de", "en-zh_Hans", "de-zh_Hans"]


def test_list() -> None:
    """In the given order, each once, in any spelling."""
    assert shown("de-en, eng_Latn-zho_Hans,de-en,") == ["de-en", "en-zh_Hans"]


def test_codes_of_a_store_mean_themselves() -> None:
    """One that was written before its spelling was understood otherwise: `no_NO` is nb-NO today."""
    known = ("en", "no-NO", "be-x-old")
    assert parse_directions("en-no_NO", known) == (Direction("en", "no-NO"),)
    assert parse_directions("centric:be-x-old", known)[0] == Direction("be-x-old", "en")
    assert parse_directions("en-no_NO", ("en", "nb-NO")) == (Direction("en", "nb-NO"),)


def test_terms_add_up(tmp_path: Path) -> None:
    """Any terms, separated by commas, in their order, each direction once."""
    (tmp_path / "d.txt").write_text("de-zh_Hans\n", encoding="utf-8")
    spec = f"de-en, centric:en,@{tmp_path / 'd.txt'}"
    assert shown(spec) == ["de-en", "en-de", "en-zh_Hans", "zh_Hans-en", "de-zh_Hans"]


def grouped(kind: str, path: Path, text: str, languages: str) -> set[str]:
    """The directions of a file of groups."""
    path.write_text(text, encoding="utf-8")
    return {str(direction) for direction in parse_directions(f"{kind}:{path}", languages.split())}


def both_ways(pairs: str) -> set[str]:
    """`en-de` and `de-en` of each pair."""
    return {pair for p in pairs.split() for pair in (p, "-".join(reversed(p.split("-"))))}


def test_groups_and_bridges(tmp_path: Path) -> None:
    """Inside groups every pair; between them the bridges alone, all with all (M2M-100), also two of one group."""
    text = "germanic: en* deu* nl  # and more\nslavic: ru* uk\nuralic: fi*\nturkic: tr az*\n"
    languages = "nl en de ru uk fi"
    inside = both_ways("en-de en-nl de-nl ru-uk")
    assert grouped("group", tmp_path / "g", text, languages) == inside
    between = both_ways("en-ru de-ru en-fi de-fi ru-fi")
    assert grouped("bridge", tmp_path / "g", text, languages) == inside | between


def test_groups_by_script(make_store: Callable[..., Store]) -> None:
    """Scripts of the languages; the bridge of each is the language with most sentences, the first of equals."""
    columns = {"en": [[4], [4], []], "de": [[5], [5], [5]], "zh-Hans": [[6], [], []], "sr-Latn": [[7], [7], [7]]}
    store = make_store({("train", "a"): columns})
    latin = both_ways("en-de en-sr_Latn de-sr_Latn")
    assert {str(direction) for direction in parse_directions("group:script", store)} == latin
    assert {str(direction) for direction in parse_directions("bridge:script", store)} == latin | both_ways("de-zh_Hans")


def test_groups_by_family_and_branch() -> None:
    """English and German are Germanic, Chinese is not; Hindi is Indo-European as they are. Bridges are the first."""
    languages = ("en", "de", "zh-Hans", "hi")

    def found(spec: str) -> set[str]:
        return {str(direction) for direction in parse_directions(spec, languages)}

    assert found("group:branch") == both_ways("en-de")
    assert found("group:family") == both_ways("en-de en-hi de-hi")
    assert found("bridge:branch") == both_ways("en-de en-zh_Hans en-hi zh_Hans-hi")


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("group", "a: en de\nzh_Hans\n", r"g:2: 'zh_Hans' is not of the form"),
        ("group", "a: en de\na: zh_Hans\n", r"g:2: a group 'a' stands above"),
        ("group", "a: en de\n\nb: zh_Hans deu\n", r"g:3: de is in the group 'a' already"),
        ("group", "a: en de xx\n", r"g:1: unknown language code 'xx'"),
        ("group", "a: en\n", r"g: de, zh-Hans in no group"),
        ("bridge", "a: en* de\nb: zh_Hans fr*\n", r"g: no bridge language of b is in the store"),
    ],
)
def test_bad_groups(tmp_path: Path, kind: str, text: str, message: str) -> None:
    """File, and line where one is to blame."""
    with pytest.raises(UserError, match=message):
        grouped(kind, tmp_path / "g", text, "en de zh-Hans")


@pytest.mark.parametrize("prefix", ["", "@"])
def test_file(tmp_path: Path, prefix: str) -> None:
    """One a line, with comments and empty lines."""
    (tmp_path / "d.txt").write_text("# mine\nde-en  # back\n\nen-zh_Hans\n", encoding="utf-8")
    assert shown(f"{prefix}{tmp_path / 'd.txt'}") == ["de-en", "en-zh_Hans"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("en-xx", "unknown language code 'xx'"),
        ("en", "not of the form"),
        ("en-zh-Hans", "not of the form"),
        ("en-eng", "into itself"),
        ("en-fr", "'fr' is not among those of the store: en, de, zh-Hans"),
    ],
)
def test_bad_direction(tmp_path: Path, line: str, message: str) -> None:
    """In a list the pair is named, in a file the line too."""
    with pytest.raises(UserError, match=message):
        parse_directions(line, LANGUAGES)
    (tmp_path / "d.txt").write_text(f"de-en\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match=rf"d\.txt:2: .*{message}"):
        parse_directions(f"@{tmp_path / 'd.txt'}", LANGUAGES)


def test_nothing_named(tmp_path: Path) -> None:
    """Empty specifications and missing files."""
    with pytest.raises(UserError, match="name no direction"):
        parse_directions("", LANGUAGES)
    with pytest.raises(UserError, match="cannot be read"):
        parse_directions(f"@{tmp_path / 'missing'}", LANGUAGES)
    with pytest.raises(UserError, match="'fr' is not among"):
        parse_directions("centric:fr", LANGUAGES)
    with pytest.raises(UserError, match="no set of directions 'family:x'; give all, centric:CODE"):
        parse_directions("en-de,family:x", LANGUAGES)
    with pytest.raises(UserError, match=r"cannot be read .*: code code\* code`, or one of script, family, branch"):
        parse_directions(f"group:{tmp_path / 'missing'}", LANGUAGES)


def test_order_and_reverse() -> None:
    """Directions sort and turn round."""
    assert Direction("de", "en") < Direction("en", "de") == Direction("de", "en").reverse()
