"""A sample of directions and sentences, and its averages."""

from __future__ import annotations

from collections import Counter

import pytest
import sacrebleu

from mtdeep.corpus import Direction, Store
from mtdeep.decoding import SearchOptions, Translator
from mtdeep.evaluation.sample import averages, figure, sample_bleu, sampled_directions, sampled_rows
from mtdeep.evaluation.segments import SplitRows
from mtdeep.nn import EncoderDecoder

CODES = [f"l{number}" for number in range(87)]
ALL = [Direction(source, target) for source in CODES for target in CODES if source != target]


@pytest.mark.parametrize("seed", [1, 2])
def test_languages_come_as_evenly_as_they_may(seed: int) -> None:
    drawn = sampled_directions(ALL, 100, seed)
    assert len(set(drawn)) == 100
    for side in ("source", "target"):
        counts = Counter(getattr(direction, side) for direction in drawn)
        assert len(counts) == 87
        assert max(counts.values()) <= 2
    assert drawn == sampled_directions(ALL, 100, seed) != sampled_directions(ALL, 100, seed + 2)


def test_few_directions_are_all_drawn() -> None:
    assert sorted(sampled_directions(ALL[:5], 12, 1)) == sorted(ALL[:5])
    centric = [direction for direction in ALL if "l0" in (direction.source, direction.target)]
    drawn = sampled_directions(centric, 20, 1)
    assert 8 <= sum(direction.source == "l0" for direction in drawn) <= 12, "out of it and into it"


def test_rows_are_drawn_among_those_that_the_model_can_read(store: Store) -> None:
    split, direction = SplitRows.of(store, "test"), Direction("en", "de")
    rows = split.rows(direction)
    lengths = [len(sentence) for sentence in split.sentences("en", rows)]
    assert sampled_rows(split, direction, 100, max(lengths), 1) == sorted(rows)
    assert len(sampled_rows(split, direction, 2, max(lengths), 1)) == 2
    short = sampled_rows(split, direction, 100, max(lengths) - 1, 1)
    assert short == sorted(row for row, length in zip(rows, lengths, strict=True) if length < max(lengths))
    drawn = {tuple(sampled_rows(split, direction, 3, 100, seed)) for seed in range(20)}
    assert len(drawn) > 3


@pytest.mark.parametrize("direction", [Direction("en", "de"), Direction("de", "zh-Hans")])
def test_bleu_is_sacrebleus_of_raw_text(store: Store, model: EncoderDecoder, direction: Direction) -> None:
    split, options = SplitRows.of(store, "test"), SearchOptions(beam=2, max_length_b=10)
    translator = Translator(model, store.vocabulary, store.subwords())
    rows = split.rows(direction)[1:]
    texts = {code: split.texts(code, rows) for code in (direction.source, direction.target)}
    found = translator.translate(texts[direction.source], direction.source, [direction.target], options)
    hypotheses = [translation.text for translation in found[direction.target]]
    tokenizer = "zh" if direction.target == "zh-Hans" else "13a"
    expected = sacrebleu.corpus_bleu(hypotheses, [texts[direction.target]], tokenize=tokenizer).score
    assert sample_bleu(translator, split, direction, rows, options) == pytest.approx(expected, abs=1e-9)


def test_averages_of_all_and_of_groups() -> None:
    scores = {Direction("en", "de"): 30.0, Direction("de", "fr"): 20.0, Direction("fr", "en"): 10.0}
    assert averages(scores, {}) == {"bleu": 20.0}
    assert averages(scores, {"en": "Germanic", "de": "Germanic", "fr": "Italic"}) == {
        "bleu": 20.0,
        "bleu_from_germanic": 25.0,
        "bleu_from_italic": 10.0,
        "bleu_into_germanic": 20.0,
        "bleu_into_italic": 20.0,
    }
    assert averages({}, {}) == {}


@pytest.mark.parametrize(
    ("group", "name"),
    [("Indo-European", "indo_european"), ("zh-Hans", "zh_hans"), ("Benue-Congo (other)", "benue_congo_other")],
)
def test_names_of_groups_become_those_of_figures(group: str, name: str) -> None:
    assert figure("into", group) == f"bleu_into_{name}"
