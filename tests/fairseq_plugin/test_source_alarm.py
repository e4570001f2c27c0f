"""When a training counts as one that does not hear its source: a function of what its validations have shown."""

from __future__ import annotations

import math
from itertools import accumulate, groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtdeep.fairseq_plugin.source_alarm import SourceUse, Unheard, reason, remedy

HEARS = SourceUse(spread=0.98, own=5.3, other=6.8, unigram=8.3)
LOST = SourceUse(spread=0.0005, own=5.9, other=5.9, unigram=8.3)
EARLY = SourceUse(spread=0.0005, own=8.0, other=8.0, unigram=8.3)
"""Its states are equal, but it has not even learnt the frequencies of words."""

numbers = st.floats(0, 20)
SPREADS = st.one_of(st.floats(0, 0.02), st.floats(0, 1))
uses = st.builds(SourceUse, spread=SPREADS, own=numbers, other=numbers, unigram=numbers)


@pytest.mark.parametrize(
    ("use", "unheard"),
    [
        (HEARS, False),
        (LOST, True),
        (EARLY, False),
        (SourceUse(0.0099, 5.0, 9.0, 8.3), True),
        (SourceUse(0.01, 5.0, 9.0, 8.3), False),
        (SourceUse(0.9, 0.0, 0.0499, 8.3), True),
        (SourceUse(0.9, 0.0, 0.05, 8.3), False),
        (SourceUse(0.9, 5.0, 4.0, 8.3), True),
        (SourceUse(0.001, 4.5, 4.5, 5.0), True),
        (SourceUse(0.001, 4.51, 4.51, 5.0), False),
        (SourceUse(math.nan, math.nan, math.nan, 8.3), False),
    ],
)
def test_one_validation(use: SourceUse, unheard: bool) -> None:
    """The thresholds are the issue's: 0.01 of the states' size, 0.05 and 0.5 bits a token."""
    assert use.unheard is unheard


Validations = list[tuple[int, SourceUse]]
validations = st.lists(st.tuples(st.integers(1, 50), uses)).map(
    lambda steps: list(zip(accumulate(step for step, _ in steps), (use for _, use in steps), strict=True))
)
warm_ups = st.integers(0, 200)


def row_of(shown: Validations, warm_up: int, before: Unheard | None = None) -> Unheard:
    row = before or Unheard()
    for updates, use in shown:
        row = row.after(use, updates, warm_up)
    return row


@given(validations, warm_ups)
def test_validations_in_a_row(shown: Validations, warm_up: int) -> None:
    """The row is the last run of equal judgements, if that is a bad one."""
    runs = groupby(shown, key=lambda shown: shown[0] >= warm_up and shown[1].unheard)
    bad, run = [(bad, list(group)) for bad, group in runs][-1] if shown else (False, [])
    expected = Unheard(len(run), run[0][0]) if bad else Unheard()
    assert row_of(shown, warm_up) == expected
    if shown:
        (updates, use), long = shown[-1], bad and shown[-1][0] - run[0][0] >= warm_up
        alarming = row_of(shown, warm_up).is_alarming(use, updates, warm_up)
        assert alarming is (bad and len(run) >= 2 and (use.spread < 0.01 or long))


@given(validations, warm_ups, st.integers(0, 20))
def test_a_training_that_is_cut_anywhere_counts_on(shown: Validations, warm_up: int, cut: int) -> None:
    assert row_of(shown[cut:], warm_up, row_of(shown[:cut], warm_up)) == row_of(shown, warm_up)


def alarms(shown: Validations, warm_up: int) -> list[int]:
    """The updates at which there is an alarm."""
    rows = ((updates, use, row_of(shown[: i + 1], warm_up)) for i, (updates, use) in enumerate(shown))
    return [updates for updates, use, row in rows if row.is_alarming(use, updates, warm_up)]


def test_nothing_counts_before_the_warm_up_is_over() -> None:
    assert alarms([(updates, LOST) for updates in range(10, 60, 10)], warm_up=25) == [40, 50]
    assert alarms([(1, LOST), (2, HEARS), (3, LOST), (4, EARLY), (5, LOST), (6, LOST)], warm_up=0) == [6]


def test_a_healthy_training_is_let_be() -> None:
    """6-6 layers of width 64 on Multi30k, 1.5e-3 after 100 updates: (updates, spread, own, cost), as it was logged."""
    logged = [
        (45, 0.1157, 11.02, 0.0),
        (90, 0.0766, 7.80, 0.0),
        (135, 0.0813, 7.31, 0.0),
        (180, 0.0998, 7.01, 0.0),
        (225, 0.4074, 6.77, 0.010),
        (270, 0.8959, 6.52, 0.149),
        (315, 0.9395, 6.27, 0.358),
    ]
    shown = [(updates, SourceUse(spread, own, own + cost, 8.31)) for updates, spread, own, cost in logged]
    assert [use.unheard for _, use in shown] == [False, True, True, True, True, False, False]
    assert alarms(shown, warm_up=100) == []
    assert alarms(shown, warm_up=90) == [180, 225], "but one that stays deaf for long is not"


def test_words() -> None:
    assert reason(LOST, Unheard(2, 800), 1200) == (
        "the source is not heard at 2 validations in a row, at updates 800 to 1,200: over tokens, the encoder's states "
        "vary by 0.0005 of their size (heard: at least 0.01), and another sentence's source costs 0.000 bits a token "
        "(heard: at least 0.05), while the loss, 5.90, is below the 8.30 of word frequencies"
    )
    others = "a longer warm-up (--warmup-updates) or a lower --lr"
    assert remedy("deepnorm", "none") == f"train anew with --depth-rates adam, or with {others}"
    assert {remedy("deepnorm", "adam"), remedy("preln", "none"), remedy(None, "none")} == {f"train anew with {others}"}
