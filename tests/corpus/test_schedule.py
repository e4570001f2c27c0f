"""The order of examples: each before any repeats, whatever the shares, and a pure function of seed and pool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtdeep.corpus import Schedule
from mtdeep.corpus.sampling import Capped, Sampling, Temperature
from mtdeep.corpus.weights_file import FileWeights


def shares(counts: list[int], sampling: Sampling) -> np.ndarray:
    """Shares of directions of so many examples, all of one weight."""
    c = np.array(counts, dtype=np.float64)
    return sampling.shares([str(i) for i in range(len(counts))], c, c)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """A schedule of few directions by any sampling."""
    counts = draw(st.lists(st.integers(1, 40), min_size=1, max_size=12))
    kind = draw(st.sampled_from(("temperature", "capped", "file")))
    temperature = draw(st.sampled_from([1.0, 2.0, 5.0, np.inf]))
    sampling: Sampling = Temperature(temperature)
    if kind == "capped":
        epochs = draw(st.integers(1, 5))
        sampling = Capped(temperature, epochs, draw(st.integers(1, epochs * sum(counts))))
    elif kind == "file":
        weights = draw(st.lists(st.floats(0.1, 9), min_size=len(counts), max_size=len(counts)))
        sampling = FileWeights({str(i): weight for i, weight in enumerate(weights)}, by_corpus=False)
    return Schedule(np.array(counts), shares(counts, sampling), draw(st.integers(1, 60)), draw(st.integers(0, 2**32)))


@settings(max_examples=40, deadline=None)
@given(schedules(), st.integers(1, 20))
def test_every_example_before_any_repeats(schedule: Schedule, pools: int) -> None:
    """Each stretch of n draws of a direction of n examples, from its start on, holds every one of them."""
    drawn = [schedule.examples(p) for p in range(pools)]
    direction = np.concatenate([d for d, _ in drawn])
    example = np.concatenate([e for _, e in drawn])
    for d, n in enumerate(schedule.counts):
        mine = example[direction == d]
        assert len(mine) == schedule.draws_before(pools)[d]
        for start in range(0, len(mine), n):
            stretch = mine[start : start + n]
            assert len(np.unique(stretch)) == len(stretch)
        assert not len(mine) or (mine.min() >= 0 and mine.max() < n)


@settings(max_examples=80, deadline=None)
@given(schedules(), st.integers(0, 10**6))
def test_draws_keep_to_their_share(schedule: Schedule, pool: int) -> None:
    """Never more than one off, at any time; nothing before the first pool."""
    share = pool * schedule.pool_size * schedule.probabilities
    draws = schedule.draws_before(pool)
    assert np.all(np.abs(draws - share) <= 1)
    assert not schedule.draws_before(0).any()


@settings(max_examples=20, deadline=None)
@given(schedules(), st.permutations(range(6)))
def test_pure_function_of_seed_and_pool(schedule: Schedule, order: list[int]) -> None:
    """Pools come out the same in any order, and from another object with the same seed."""
    twin = Schedule(schedule.counts, schedule.probabilities, schedule.pool_size, schedule.seed)
    forward = [twin.examples(p) for p in range(6)]
    for p in order:
        assert all(np.array_equal(a, b) for a, b in zip(schedule.examples(p), forward[p], strict=True))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_nothing_is_seen_more_often_than_the_cap(data: st.DataObject) -> None:
    """As long as the budget lasts, which here is the end of some pool; and it is all drawn, but for a draw each."""
    counts = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=8))
    epochs = data.draw(st.integers(1, 4))
    pool_size = data.draw(st.integers(1, max(epochs * sum(counts) // 2, 1)))
    pools = data.draw(st.integers(1, min(epochs * sum(counts) // pool_size, 40)))
    sampling = Capped(data.draw(st.sampled_from([1.0, 3.0, np.inf])), epochs, pools * pool_size)
    schedule = Schedule(np.array(counts), shares(counts, sampling), pool_size, data.draw(st.integers(0, 2**32)))
    drawn = [schedule.examples(p) for p in range(pools)]
    place = np.concatenate([d * 30 + e for d, e in drawn])
    assert np.bincount(place).max(initial=0) <= epochs
    assert abs(len(place) - sampling.budget) <= len(counts)


def test_seeds_and_shuffles_differ() -> None:
    """Another seed, another direction, another time round: another order."""
    counts = np.array([500, 500])
    p = np.array([0.5, 0.5])
    schedule, other = Schedule(counts, p, 1000, 1), Schedule(counts, p, 1000, 2)
    direction, example = schedule.examples(0)
    assert not np.array_equal(example[direction == 0][:400], example[direction == 1][:400])
    assert not np.array_equal(example[:400], other.examples(0)[1][:400])
    assert not np.array_equal(example[:400], schedule.examples(1)[1][:400])


def test_rare_directions_get_their_turn() -> None:
    """With 1,000 equal directions and pools of 10, each is drawn once in 100 pools, not all at once."""
    schedule = Schedule(np.full(1000, 5), np.full(1000, 1e-3), 10, 4)
    assert schedule.draws_before(100).tolist() == [1] * 1000
    sizes = [len(schedule.examples(p)[0]) for p in range(100)]
    assert max(sizes) < 30


def test_expected_epochs() -> None:
    """Draws over examples: 100 draws of 3/4 and 1/4 are 7.5 and 2.5 times 10 examples."""
    schedule = Schedule(np.array([10, 10, 0]), np.array([0.75, 0.25, 0.0]), 10, 0)
    epochs = schedule.expected_epochs(100)
    assert epochs[:2] == pytest.approx([7.5, 2.5])
    assert np.isnan(epochs[2])


@pytest.mark.parametrize(
    ("counts", "probabilities", "pool_size"), [([1, 2], [1.0], 5), ([0, 2], [0.5, 0.5], 5), ([2], [1.0], 0)]
)
def test_bad_schedule(counts: list[int], probabilities: list[float], pool_size: int) -> None:
    """Mistakes of the program."""
    with pytest.raises(ValueError, match=r"counts|without examples|pool size"):
        Schedule(np.array(counts), np.array(probabilities), pool_size, 0)
