"""When a training counts as diverged; the loss of the unigram distribution against one counted by hand."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from fairseq_log import TrainingPoint
from learning_rates import largest_borne
from outcome import Outcome, unigram_loss
from report import details
from source_use import SourceUse
from sweep import Run

UNIGRAM = 8.0


def outcome(
    *losses: float, training: float = 6.0, stopped: str | None = None, row: str = "DeepNet", column: str = "6-6"
) -> Outcome:
    points = [TrainingPoint(100 * (i + 1), training, 1.0) for i in range(len(losses))]
    validation = [(100 * (i + 1), loss) for i, loss in enumerate(losses)]
    return Outcome(Run("run", row, column, 12, 300, ()), points, validation, 60.0, stopped)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (outcome(9.0, 7.0, 6.0), None),
        (outcome(7.5), None),  # half a bit below the unigrams is just enough
        (outcome(9.0, 7.51), "no progress"),
        (outcome(5.0, 8.2), "no progress"),
        (outcome(5.0, 5.99), None),
        (outcome(5.0, 6.0), "lost again"),  # one bit above the lowest is too much
        (outcome(6.0, math.nan), "not finite"),
        (outcome(6.0, 5.0, training=math.inf), "not finite"),
        (outcome(6.0, 5.0, stopped="FloatingPointError: gradients are Nan/Inf"), "not finite"),
        (outcome(stopped="FloatingPointError: gradients are Nan/Inf"), "not finite"),
    ],
)
def test_divergence(found: Outcome, expected: str | None) -> None:
    assert found.divergence(UNIGRAM) == expected


@pytest.mark.parametrize(
    ("source", "deaf", "lost"),
    [
        (None, False, False),  # a language model has none
        (SourceUse(gap=0.05, spread=0.5), False, False),
        (SourceUse(gap=0.049, spread=0.01), True, False),
        (SourceUse(gap=0.049, spread=0.0099), True, True),
        (SourceUse(gap=0.06, spread=0.001), False, False),
    ],
)
def test_what_the_source_is_to_it(source: SourceUse | None, deaf: bool, lost: bool) -> None:
    found = replace(outcome(6.0), source=source)
    assert (found.deaf, found.lost) == (deaf, lost)
    expected = "encoder lost" if lost else "deaf" if deaf else "trained"
    assert details(found, UNIGRAM).endswith(f"| {expected} |")


def test_a_rate_at_which_the_source_is_not_heard_is_not_borne() -> None:
    deaf = replace(outcome(6.0, row="DeepNet", column="0.002"), source=SourceUse(0.0, 0.5))
    assert largest_borne([outcome(6.0, row="DeepNet", column="0.001"), deaf], UNIGRAM)[1:] == ["DeepNet bears 0.001."]


def test_the_largest_rate_borne_lies_below_the_first_that_is_not() -> None:
    good, bad = 6.0, 8.0
    losses = {"DeepNet": (bad, good, good), "Pre-LN": (good, bad, good), "Post-LN": (bad, bad, bad)}
    outcomes = [
        outcome(loss, row=scheme, column=rate)
        for scheme, row in losses.items()
        for rate, loss in zip(("0.001", "0.002", "0.004"), row, strict=True)
    ]
    assert largest_borne(outcomes, UNIGRAM)[1:] == [
        "DeepNet bears 0.004 (the largest that was tried).",
        "Pre-LN bears 0.001.",
        "Post-LN bears none of these rates.",
    ]


def test_unigram_loss_of_a_store(write_store, tmp_path: Path) -> None:
    """The tag and the end of a sentence are tokens of it; each token of the vocabulary counts once more."""
    english = ["one two three", "two three", "three", "one one"] * 5
    german = ["eins zwei drei", "zwei drei", "drei", "eins eins"] * 5
    corpora = {
        ("toy", "train"): {"en": english, "de": german},
        ("toy", "valid"): {"en": ["two", "one three"], "de": ["zwei", "eins drei"]},
    }
    store = write_store(tmp_path / "store", ("en", "de"), corpora, 20)
    subwords, vocabulary = store.subwords(), store.vocabulary

    def tokens(lines: list[str]) -> list[int]:
        encoded = subwords.encode(lines)
        return [t for line in encoded for t in (vocabulary.tag("de"), *line, vocabulary.eos)]

    counts = Counter(tokens(german))
    size = sum(counts.values()) + len(vocabulary)
    valid = tokens(["zwei", "eins drei"])
    expected = -sum(math.log2((counts[t] + 1) / size) for t in valid) / len(valid)
    assert unigram_loss(store, "en-de") == pytest.approx(expected, rel=1e-12)
