"""Keys of sentences: equal where only case, width and spaces differ."""

from __future__ import annotations

from data_prep.duplicates.key import sentence_key, sentence_keys


def test_equal_but_for_case_width_and_spaces_is_equal() -> None:
    assert sentence_key("A  \uff22c ") == sentence_key("a bC")
    assert sentence_key("a b") != sentence_key("ab")
    assert sentence_key(" ") == sentence_key("") == 0
    assert sentence_keys(["A  \uff22c ", ""]).tolist() == [sentence_key("a bC"), 0]
