"""A store of small made-up sentences in four languages, big enough to be learnt from."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
import sentencepiece

from mtdeep.corpus import Store, StoreWriter, Vocabulary
from mtdeep.corpus.subwords import Subwords, pieces

LANGUAGES = ("en", "de", "fr", "zh-Hans")
# Word n of every language means the same; the fourth writes without spaces.
WORDS = {
    "en": "one two three four five six seven eight nine ten".split(),
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn".split(),
    "fr": "un deux trois quatre cinq six sept huit neuf dix".split(),
    "zh-Hans": list("一二三四五六七八九十"),
}
ROWS = {"train": 400, "valid": 20, "test": 20}


def sentences(language: str, numbers: list[list[int]]) -> list[str]:
    joint = "" if language == "zh-Hans" else " "
    return [joint.join(WORDS[language][n] for n in row) for row in numbers]


@pytest.fixture(scope="session")
def toy_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of three to nine number words in LANGUAGES, n-way; splits train, valid, test."""
    path = tmp_path_factory.mktemp("toy") / "store"
    random.seed(7)
    rows = {
        split: [[random.randrange(10) for _ in range(random.randint(3, 9))] for _ in range(n)]
        for split, n in ROWS.items()
    }
    texts = {split: {code: sentences(code, numbers) for code in LANGUAGES} for split, numbers in rows.items()}
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for lines in texts["train"].values() for line in lines),
        model_writer=model,
        vocab_size=90,
        character_coverage=1.0,
        minloglevel=2,
    )
    vocabulary = Vocabulary(pieces(model.getvalue()), LANGUAGES)
    subwords = Subwords(model.getvalue(), vocabulary)
    with StoreWriter(path, vocabulary, model.getvalue()) as writer:
        for split, columns in texts.items():
            tokens = {code: subwords.encode(lines) for code, lines in columns.items()}
            writer.add_corpus("toy", split, tokens, text=None if split == "train" else columns, provenance={})
        writer.finish({})
    return Store(path).path
