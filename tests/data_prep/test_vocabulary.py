from __future__ import annotations

import pytest
import sentencepiece

from data_prep.vocabulary import train_model
from data_prep.vocabulary_settings import VocabularySettings
from mtdeep.errors import UserError

NAMES = ("cat", "dog", "bird", "horse", "garden", "window", "morning", "evening", "river", "teacher")
RUSSIAN_NAMES = ("кот", "пёс", "птица", "лошадь", "сад", "окно", "утро", "вечер", "река", "учитель")
TEXT = [
    *(f"the {a} and the {b} number {i} met" for a in NAMES for b in NAMES for i in (7, 12)),
    *(f"{a} и {b} номер {i} встретились" for a in RUSSIAN_NAMES for b in RUSSIAN_NAMES for i in (7, 12)),
]


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_the_model_has_the_size_and_the_same_bytes(model_type: str) -> None:
    settings = VocabularySettings.model_validate({"size": 56, "model_type": model_type, "character_coverage": 1.0})
    model = train_model(lambda: TEXT, settings)
    assert model == train_model(lambda: TEXT, settings)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert processor.get_piece_size() == 56
    assert "12" not in {processor.id_to_piece(i) for i in range(56)}  # split_digits


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_sizes_that_the_text_does_not_support(model_type: str) -> None:
    for size, message in ((100_000, "is too large for this text; set it to at most "), (20, "is too small for the ")):
        given = {"size": size, "model_type": model_type, "character_coverage": 1.0}
        settings = VocabularySettings.model_validate(given)
        with pytest.raises(UserError, match=f"vocabulary.size {size} {message}"):
            train_model(lambda: TEXT, settings)


def test_the_size_in_the_remedy_works() -> None:
    with pytest.raises(UserError) as caught:
        train_model(lambda: TEXT, VocabularySettings(size=100_000, character_coverage=1.0))
    size = int(str(caught.value).rsplit(" ", 1)[-1])
    train_model(lambda: TEXT, VocabularySettings(size=size, character_coverage=1.0))


def test_characters_by_script() -> None:
    """The two rarest Cyrillic letters of the text have no piece, every Latin one has."""
    settings = VocabularySettings(size=56, character_coverage={"Cyrl": 0.95, "default": 1.0})
    processor = sentencepiece.SentencePieceProcessor(model_proto=train_model(lambda: TEXT, settings))
    pieces = "".join(processor.id_to_piece(i) for i in range(processor.get_piece_size()))
    assert set("".join(TEXT)) - set(pieces) - {" "} and not set("theandmbr") - set(pieces)
    assert all("\u0400" <= letter <= "\u04ff" for letter in set("".join(TEXT)) - set(pieces) - {" "})
