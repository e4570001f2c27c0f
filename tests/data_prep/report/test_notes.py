"""What is worth a look, and that a store without any of it has no note."""

from __future__ import annotations

from typing import Any

from data_prep.report.notes import notes
from mtdeep.corpus.manifest import CorpusRecord


def record(split: str, languages: dict[str, Any], unknown: dict[str, int]) -> CorpusRecord:
    return CorpusRecord("talks", split, 3, (), (), {"account": {"languages": languages}, "unknown_tokens": unknown})


def test_nothing_to_say() -> None:
    whole = {"en": {"read": 3, "kept": 3, "rejected": {}}, "de": {"read": 0, "kept": 0, "rejected": {}}}
    assert list(notes([record("train", whole, {})], {"leakage": "remove", "in_training_text": {}})) == []


def test_everything_to_say() -> None:
    train = {
        "en": {"read": 1200, "kept": 199, "rejected": {"script": 1, "length": 1000}},
        "grc": {"read": 3, "kept": 0, "rejected": {"script": 3}},
    }
    records = [record("train", train, {"en": 2}), record("test", {}, {"en": 3, "grc": 1})]
    leaked = {"talks, test": {"en": {"exact": 2, "near": 3}}}
    assert list(notes(records, {"leakage": "report", "in_training_text": leaked})) == [
        "sentences lost, talks, train: 1,000 length, 4 script",
        "no sentence left, talks, train: grc",
        "unknown tokens: 5 of en, 1 of grc",
        "warning: in the training text, sentences of talks, test: 5 of en",
    ]
    assert list(notes([], {"leakage": "remove", "in_training_text": leaked})) == [
        "removed from training, sentences of talks, test: 5 of en"
    ]
