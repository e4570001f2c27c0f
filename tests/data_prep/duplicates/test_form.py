"""What a store's pieces give back has one key with what they were made of, whatever SentencePiece's rules dropped."""

from __future__ import annotations

import pytest

from data_prep.duplicates.form import Form, as_written, decoded, through_pieces
from data_prep.duplicates.key import sentence_key
from mtdeep.corpus.subwords import Subwords

LINES = ["one two three four", "five six seven eight", "One Two; nine ten."]


@pytest.fixture(scope="module")
def subwords(train_subwords) -> Subwords:  # type: ignore[no-untyped-def]
    return train_subwords(LINES * 5, ("en",), 26)[0]


@pytest.mark.parametrize(
    "text",
    [
        "one  two\u00a0three",
        " one two ",
        "one\u200btwo",  # zero-width space: a key keeps it, SentencePiece does not
        "one two\u0007 three",
        "\uff4fne two",  # full width
        "one\u2028two",
        "One Two",
    ],
)
def test_training_and_test_text_meet(subwords: Subwords, text: str) -> None:
    stored = decoded(subwords, subwords.encode([text]))
    tested = through_pieces(subwords, [text])
    assert stored.keys().tolist() == tested.keys().tolist() and stored.keys()[0] > 0


def test_the_keys_of_the_originals_would_miss_some(subwords: Subwords) -> None:
    (text,) = decoded(subwords, subwords.encode(["one\u200btwo"])).texts
    assert sentence_key(text) != sentence_key("one\u200btwo")


def test_a_sentence_with_an_unknown_token_has_no_key_and_a_gap_neither(subwords: Subwords) -> None:
    """Two sentences that differ in letters that the vocabulary lacks have equal pieces."""
    form = through_pieces(subwords, ["one \u0416", "one \u4e24", "", "one"])
    assert form.texts[0] == form.texts[1] and form.whole.tolist() == [False, False, True, True]
    assert (form.keys() > 0).tolist() == [False, False, False, True]


def test_as_written_every_sentence_is_whole() -> None:
    form = as_written(["one \u2047", ""])
    assert isinstance(form, Form) and form.whole.all() and (form.keys() > 0).tolist() == [True, False]
