"""Specifications of directions, and their errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtdeep.corpus import Direction, parse_directions
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


def test_order_and_reverse() -> None:
    """Directions sort and turn round."""
    assert Direction("de", "en") < Direction("en", "de") == Direction("de", "en").reverse()
