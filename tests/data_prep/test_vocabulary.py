from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import sentencepiece

from data_prep.config import VocabularySettings
from data_prep.encoding import ColumnEncoder
from data_prep.table import Account, AlignedText
from data_prep.vocabulary import quotas, sample, train_model
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.corpus.vocabulary import Vocabulary
from mtdeep.errors import UserError


def table_of(columns: dict[str, list[str]]) -> AlignedText:
    def column(language: str) -> Iterator[str]:
        return iter(columns[language])

    present = np.array([[bool(text) for text in column] for column in columns.values()]).T
    rows = len(present)
    return AlignedText("c", "train", tuple(columns), present, column, Account(rows, rows), {})


BIG_AND_SMALL = table_of({"en": [f"big {i}" for i in range(100)], "de": ["klein 0", "klein 1"] + [""] * 98})


def test_quotas_follow_the_closed_form() -> None:
    assert quotas({"en": 900, "de": 100}, 1.0, 100) == {"en": 90, "de": 10}
    assert quotas({"en": 900, "de": 100}, 2.0, 100) == {"en": 75, "de": 25}  # sqrt(900) : sqrt(100) = 3 : 1
    assert quotas({"en": 1000, "de": 1, "fr": 0}, 1.0, 10) == {"en": 10, "de": 1}


def test_sampling_truly_repeats_small_languages() -> None:
    drawn = Counter(sample([BIG_AND_SMALL], 1e9, 102, seed=1))
    small = [count for text, count in drawn.items() if text.startswith("klein")]
    assert sum(small) == 51  # half of 102
    assert max(small) - min(small) <= 1
    assert max(count for text, count in drawn.items() if text.startswith("big")) == 1
    assert "" not in drawn


def test_sampling_is_a_function_of_the_seed() -> None:
    first, again, other = (list(sample([BIG_AND_SMALL], 2.0, 50, seed)) for seed in (1, 1, 2))
    assert first == again != other


NAMES = ("cat", "dog", "bird", "horse", "garden", "window", "morning", "evening", "river", "teacher")
RUSSIAN_NAMES = ("кот", "пёс", "птица", "лошадь", "сад", "окно", "утро", "вечер", "река", "учитель")
TEXT = table_of(
    {
        "en": [f"the {a} and the {b} number {i} met" for a in NAMES for b in NAMES for i in (7, 12)],
        "ru": [f"{a} и {b} номер {i} встретились" for a in RUSSIAN_NAMES for b in RUSSIAN_NAMES for i in (7, 12)],
    }
)


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_the_model_has_the_size_and_the_same_bytes(model_type: str) -> None:
    settings = VocabularySettings.model_validate({"size": 56, "model_type": model_type, "character_coverage": 1.0})
    model = train_model([TEXT], settings, seed=1)
    assert model == train_model([TEXT], settings, seed=1)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert processor.get_piece_size() == 56
    assert "12" not in {processor.id_to_piece(i) for i in range(56)}  # split_digits


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_sizes_that_the_text_does_not_support(model_type: str) -> None:
    for size, message in ((100_000, "is too large for this text; set it to at most "), (20, "is too small for the ")):
        given = {"size": size, "model_type": model_type, "character_coverage": 1.0}
        settings = VocabularySettings.model_validate(given)
        with pytest.raises(UserError, match=f"vocabulary.size {size} {message}"):
            train_model([TEXT], settings, seed=1)


def test_the_size_in_the_remedy_works() -> None:
    with pytest.raises(UserError) as caught:
        train_model([TEXT], VocabularySettings(size=100_000, character_coverage=1.0), seed=1)
    size = int(str(caught.value).rsplit(" ", 1)[-1])
    train_model([TEXT], VocabularySettings(size=size, character_coverage=1.0), seed=1)


def test_encoding_keeps_gaps_and_counts_unknown_tokens() -> None:
    model = train_model([TEXT], VocabularySettings(size=56, character_coverage=1.0), seed=1)
    subwords = Subwords(model, Vocabulary(pieces(model), ("en", "ru")))
    table = table_of({"en": ["the cat", "", "and", "QQQ"], "ru": ["кот", "кот", "кот", "кот"]})
    steps: list[int] = []
    encoder = ColumnEncoder(subwords, table, steps.append)
    ids = list(encoder.column("en"))
    assert subwords.decode(ids[0]) == "the cat"
    assert [len(sentence) > 0 for sentence in ids] == [True, False, True, True]
    assert encoder.unknown["en"] >= 1
    assert sum(steps) == 4


def test_a_sentence_that_no_reader_saw_vanish_is_a_defect() -> None:
    model = train_model([TEXT], VocabularySettings(size=56, character_coverage=1.0), seed=1)
    subwords = Subwords(model, Vocabulary(pieces(model), ("en", "ru")))
    table = table_of({"en": ["the cat", "\u200b"], "ru": ["кот", "кот"]})
    with pytest.raises(AssertionError, match="has no pieces, but is no gap"):
        list(ColumnEncoder(subwords, table, lambda lines: None).column("en"))
