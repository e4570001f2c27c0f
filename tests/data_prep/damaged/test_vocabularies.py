"""Vocabularies that are given and damaged: told before anything is read."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
from writing import write

PLAIN = "- {name: odd, reader: plain_text, clean: false, deduplicate: false, splits: {train: {en: a.en, de: a.de}}}"
Check = Callable[..., str]
MODELS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda whole: b"", "a SentencePiece model without pieces; give the .model file"),
    "text": (lambda whole: b"the\n", "not a SentencePiece model; give the .model file that training wrote"),
    "cut": (lambda whole: whole[:-1], "not a SentencePiece model; give"),
    "half": (lambda whole: whole[: len(whole) // 2], "not a SentencePiece model; give"),
    "zeros": (lambda whole: bytes(999), "not a SentencePiece model; give"),
    "a flipped bit": (lambda whole: bytes([whole[0] ^ 128]) + whole[1:], "not a SentencePiece model; give"),
}


@pytest.mark.parametrize("name", MODELS)
def test_damaged_vocabularies(prepare, sentence: Check, model: Path, tmp_path: Path, name: str) -> None:
    change, expected = MODELS[name]
    write(tmp_path / "a.en", "the dog\n")
    write(tmp_path / "a.de", b"\xff")  # which nobody reads: the model is tried first
    write(tmp_path / "odd.model", change(model.read_bytes()))
    found = sentence(prepare(tmp_path, PLAIN, vocabulary={"model": "odd.model"}), tmp_path)
    assert re.search(rf"^FOLDER/corpora\.yaml:\d: FOLDER/odd\.model: {expected}", found), found


def test_a_piece_that_is_a_tag(prepare, sentence: Check, tmp_path: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the dog"] * 9), model_writer=model, vocab_size=12, user_defined_symbols=["__de__"],
        minloglevel=2,
    )  # fmt: skip
    write(tmp_path / "a.en", "the dog\n")
    write(tmp_path / "a.de", b"\xff")
    write(tmp_path / "odd.model", model.getvalue())
    found = sentence(prepare(tmp_path, PLAIN, vocabulary={"model": "odd.model"}), tmp_path)
    assert re.search(r"^FOLDER/corpora\.yaml:\d: vocabulary: symbol '__de__' stands twice; ", found), found
