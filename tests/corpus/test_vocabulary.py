"""Ids: the order of symbols, and agreement with fairseq's reading of `dict.txt`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Vocabulary
from mtdeep.errors import UserError


def test_ids_of_symbols() -> None:
    """Specials, pieces, tags: the order that checkpoints record."""
    vocabulary = Vocabulary(("▁a", "b"), ("en", "zh-Hans"))
    assert vocabulary.symbols() == ["<s>", "<pad>", "</s>", "<unk>", "▁a", "b", "__en__", "__zh_Hans__"]
    assert (vocabulary.bos, vocabulary.pad, vocabulary.eos, vocabulary.unk) == (0, 1, 2, 3)
    assert len(vocabulary) == 8
    assert (vocabulary.tag("en"), vocabulary.tag("zh-Hans")) == (6, 7)
    assert [i for i in range(8) if vocabulary.is_tag(i)] == [6, 7]


def test_file_round_trip(tmp_path: Path) -> None:
    """A piece that looks like a tag stays a piece, even beside the tags."""
    vocabulary = Vocabulary(("▁a", "__init__"), ("en", "sr-Latn"))
    vocabulary.save(tmp_path / "dict.txt")
    assert Vocabulary.load(tmp_path / "dict.txt") == vocabulary
    assert (tmp_path / "dict.txt").read_bytes() == "▁a 1\n__init__ 1\n__en__ 0\n__sr_Latn__ 0\n".encode()


def test_tags_of_origins_move_nothing(tmp_path: Path) -> None:
    """`<bt>` stands where it came, and what comes after it stands behind: no id of the vocabulary before changes."""
    before = Vocabulary(("▁a",), ("en", "de"))
    tagged = Vocabulary(before.pieces, (*before.tags, "<bt>"))
    grown = Vocabulary(tagged.pieces, (*tagged.tags, "fr"))
    assert before.origin_tags == {}
    assert tagged.origin_tags == grown.origin_tags == {"back_translated": 7}
    assert grown.symbols() == [*before.symbols(), "<bt>", "__fr__"]
    assert grown.languages == ("en", "de", "fr")
    assert (grown.tag("de"), grown.tag("fr"), grown.is_tag(7), len(grown)) == (6, 8, True, 9)
    grown.save(tmp_path / "dict.txt")
    assert (tmp_path / "dict.txt").read_bytes() == "▁a 1\n__en__ 0\n__de__ 0\n<bt> 0\n__fr__ 0\n".encode()
    assert Vocabulary.load(tmp_path / "dict.txt") == grown
    assert Vocabulary(("<bt>",), ("en",)).origin_tags == {}  # a piece that text has


def test_fairseq_gives_the_same_ids(tmp_path: Path, vocabulary: Vocabulary) -> None:
    """`Dictionary.load` of our file is our numbering."""
    dictionary = pytest.importorskip("fairseq.data.dictionary")
    vocabulary = Vocabulary(vocabulary.pieces, ("<bt>", *vocabulary.tags))
    vocabulary.save(tmp_path / "dict.txt")
    loaded = dictionary.Dictionary.load(str(tmp_path / "dict.txt"))
    assert loaded.symbols == vocabulary.symbols()


@pytest.mark.parametrize(("size", "name"), [(200, "uint8"), (60_000, "uint16"), (70_000, "uint32")])
def test_token_dtype(size: int, name: str) -> None:
    """The smallest unsigned type that holds the largest id."""
    vocabulary = Vocabulary(tuple(f"p{i}" for i in range(size)), ())
    assert vocabulary.token_dtype == np.dtype(name)
    assert np.iinfo(vocabulary.token_dtype).max >= len(vocabulary) - 1


@pytest.mark.parametrize("pieces", [("a", "a"), ("<s>",), ("__en__",), ("a b",), ("",), ("a\n",)])
def test_bad_symbols(pieces: tuple[str, ...]) -> None:
    """What would shift ids in `dict.txt` is refused."""
    with pytest.raises(UserError, match="vocabulary"):
        Vocabulary(pieces, ("en",))


def test_unknown_language() -> None:
    """A language without a tag is named."""
    with pytest.raises(UserError, match="'fr'"):
        Vocabulary(("a",), ("en",)).tag("fr")


@pytest.mark.parametrize(
    ("text", "line"),
    [("a 1\nb\n", 2), ("a 1\n__en__ 0\nb 1\n", 3), ("a 1\n\nb 1\n", 2), ("en 0\n", 1), ("<mt> 0\n", 1)],
)
def test_damaged_file(tmp_path: Path, text: str, line: int) -> None:
    """A damaged dictionary is told with file and line."""
    (tmp_path / "dict.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"dict\.txt:{line}: "):
        Vocabulary.load(tmp_path / "dict.txt")
