"""Keys of sentences: equal where only case, width and spaces differ."""

from __future__ import annotations

import sys
import unicodedata

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from data_prep.duplicates.key import sentence_key, sentence_keys

BLANKS = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]


def test_equal_but_for_case_width_and_spaces_is_equal() -> None:
    assert sentence_key("A  \uff22c ") == sentence_key("a bC")
    assert sentence_key("a b") != sentence_key("ab")
    assert sentence_key(" ") == sentence_key("") == 0
    assert sentence_keys([]).tolist() == []


@given(st.lists(st.text(st.sampled_from(["a", "B", "é", "ß", "\uff22", "\udc80", *BLANKS]), max_size=6)))
def test_the_definition(sentences: list[str]) -> None:
    """A hash of what is left of case, width and blanks, whatever stands in the other sentences."""
    plain = [" ".join(unicodedata.normalize("NFKC", sentence).casefold().split()) for sentence in sentences]
    expected = [xxhash.xxh3_64_intdigest(line.encode("utf-8", "surrogatepass")) if line else 0 for line in plain]
    assert sentence_keys(sentences).tolist() == expected


@pytest.mark.parametrize("blank", BLANKS)
def test_every_blank_of_unicode(blank: str) -> None:
    """Alone among sentences that need no mending, as a space, doubled, and at either end."""
    for mended in (f"a{blank}b", f"a{blank}{blank}b", f"{blank}a b", f"a b{blank}", f"\u00c4{blank}b"):
        expected = "ä b" if mended[0] == "\u00c4" else "a b"
        assert sentence_keys(["x y", mended, "", "z"]).tolist() == sentence_keys(["x y", expected, "", "z"]).tolist()
