"""Characters by script: against SentencePiece's own choice where there is one group, and the definition where more."""

from __future__ import annotations

import io
import random

import pytest
import sentencepiece

from data_prep.coverage import DEFAULT, divided, left_out

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def text(characters: str, lines: int, seed: int) -> list[str]:
    """Words of characters, each 0.8 times as frequent as the one before it."""
    rng = random.Random(seed)
    weights = [0.8**i for i in range(len(characters))]
    return [" ".join("".join(rng.choices(characters, weights, k=4)) for _ in range(6)) for _ in range(lines)]


@pytest.mark.parametrize("share", [0.98, 0.99, 0.995, 1.0])
def test_one_group_is_sentencepiece_s_own_coverage(share: float) -> None:
    """It counts the blank before a line too: one in nearly four thousand characters here."""
    lines = ["".join(text(ALPHABET, 160, seed)).replace(" ", "") for seed in range(8)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=60, character_coverage=share, minloglevel=2
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = {processor.id_to_piece(i) for i in range(processor.get_piece_size())}
    gone = left_out(lines, {DEFAULT: share}, "nmt_nfkc")
    assert set("".join(lines)) - {" "} - set(gone) == {piece for piece in pieces if len(piece) == 1} - {"\u2581"}


def test_each_script_has_its_own_share() -> None:
    latin, greek = text("abcdefgh", 400, seed=1), text("αβγδεζηθ", 20, seed=2)
    assert not left_out(latin + greek, {DEFAULT: 1.0}, "identity")
    together = left_out(latin + greek, {DEFAULT: 0.98}, "identity")
    assert set(together) & set("αβγδεζηθ")  # rare in all the text
    apart = left_out(latin + greek, {"Latn": 0.9, DEFAULT: 1.0}, "identity")
    assert apart and set(apart) < set("abcdefgh")
    kept = sum(line.count(c) for line in latin for c in "abcdefgh" if c not in apart)
    assert 0.9 <= kept / sum(len(line.replace(" ", "")) for line in latin) < 1


def test_lines_are_divided_where_a_character_is_left_out() -> None:
    assert list(divided(["ab]cd", "]", "\uff41  b", "c-]^d"], "]^", "nmt_nfkc")) == ["ab", "cd", "a b", "c-", "d"]
    assert list(divided(["a b"], "", "identity")) == ["a b"]


def test_an_unknown_script_is_refused() -> None:
    with pytest.raises(ValueError, match="no script of Unicode"):
        left_out(["a"], {"Latin": 0.9}, "identity")
