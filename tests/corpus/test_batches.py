"""Batches: within budget, complete, and a pure function of (seed, pool); collated with tags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtdeep.corpus import (
    Batch,
    BatchPlanner,
    Direction,
    DirectionView,
    Schedule,
    Store,
    available,
    collate,
    direction_probabilities,
    direction_views,
)
from mtdeep.corpus.stream import Position, batches
from mtdeep.errors import UserError

TAGS = ("en", "de", "zh-Hans", "sr-Latn", "<bt>")


def make_planner(
    views: list[DirectionView],
    *,
    pool_size: int = 500,
    seed: int = 7,
    max_tokens: int | None = 200,
    max_sentences: int | None = None,
    positions: int = 1024,
    multiple: int = 1,
) -> BatchPlanner:
    """A planner over views at temperature 2."""
    counts = np.array([len(view) for view in views])
    schedule = Schedule(counts, direction_probabilities(counts, 2.0), pool_size, seed)
    return BatchPlanner(
        views,
        schedule,
        max_tokens=max_tokens,
        max_sentences=max_sentences,
        seed=seed,
        max_source_positions=positions,
        max_target_positions=positions,
        required_batch_size_multiple=multiple,
    )


@pytest.fixture
def views(small_store: Store) -> list[DirectionView]:
    """All twelve directions of the small store."""
    return direction_views(small_store, "train", available(small_store, "train"))


def rows(batches_: list[Batch]) -> list[tuple[int, int, int]]:
    """(direction, part, row) of every example, in order."""
    return [
        triple
        for batch in batches_
        for triple in zip(batch.direction.tolist(), batch.part.tolist(), batch.row.tolist(), strict=True)
    ]


def sides(batch: Batch, views: list[DirectionView]) -> list[int]:
    """The longest side of each example, tag and end-of-sentence counted."""
    return [max(len(side) for side in views[d].pair(p, r)) + 2 for d, p, r in rows([batch])]


def test_view_is_the_union_of_corpora(small_store: Store) -> None:
    """Examples of en-de: the common rows of the n-way corpus, then all of the bilingual one, the other way round."""
    view = direction_views(small_store, "train", [Direction("en", "de")])[0]
    nway, pairs = small_store.corpora("train")
    common = list(nway.common_rows("en", "de"))
    part, row = view.locate(np.arange(len(view)))
    assert part.tolist() == [0] * len(common) + [1] * 70
    assert row.tolist() == common + list(range(70))
    source, target = view.pair(1, 3)
    assert source.tolist() == pairs.sentence("en", 3).tolist()
    assert target.tolist() == pairs.sentence("de", 3).tolist()


def test_direction_without_sentences(make_store: Callable[..., Store]) -> None:
    """Named, not skipped."""
    store = make_store({("train", "a"): {"en": [[4], []], "de": [[], [4]], "zh-Hans": [[5], [5]]}})
    with pytest.raises(UserError, match="no sentence for en-de, de-sr_Latn"):
        direction_views(store, "train", [Direction("en", "de"), Direction("de", "sr-Latn"), Direction("en", "zh-Hans")])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    max_tokens=st.one_of(st.none(), st.integers(40, 400)),
    max_sentences=st.one_of(st.none(), st.integers(1, 20)),
    multiple=st.sampled_from([1, 2, 8]),
    pool=st.integers(0, 1000),
)
def test_budget(
    views: list[DirectionView], max_tokens: int | None, max_sentences: int | None, multiple: int, pool: int
) -> None:
    """No batch above its limits, and every drawn example in exactly one."""
    if max_tokens is None and max_sentences is None:
        with pytest.raises(ValueError, match="needs a limit"):
            make_planner(views, max_tokens=None, max_sentences=None)
        return
    planner = make_planner(views, max_tokens=max_tokens, max_sentences=max_sentences, multiple=multiple)
    plan = planner.pool(pool)
    for batch in plan:
        assert max_sentences is None or len(batch) <= max_sentences
        assert max_tokens is None or len(batch) * max(sides(batch, views)) <= max_tokens
    odd = [len(batch) for batch in plan if len(batch) > multiple and len(batch) % multiple]
    assert len(odd) <= 1
    direction, example = planner.schedule.examples(pool)
    drawn = []
    for d in np.unique(direction).tolist():
        part, row = views[d].locate(example[direction == d])
        drawn += [(d, *place) for place in zip(part.tolist(), row.tolist(), strict=True)]
    assert sorted(rows(plan)) == sorted(drawn)


def test_budget_is_used(views: list[DirectionView]) -> None:
    """Batches are full: adding any shorter neighbour's length would break the limit in nearly all of them."""
    plan = make_planner(views, max_tokens=300, pool_size=5000).pool(0)
    used = [len(batch) * max(sides(batch, views)) for batch in plan]
    assert np.mean(used) > 270


def test_any_order_of_access(views: list[DirectionView]) -> None:
    """Pool p is the same whatever was asked before, and for a planner made anew."""
    one, two = make_planner(views), make_planner(views)
    forward = [rows(one.pool(p)) for p in range(5)]
    assert [rows(two.pool(p)) for p in (4, 2, 0, 3, 1)] == [forward[p] for p in (4, 2, 0, 3, 1)]
    assert rows(one.pool(2)) == forward[2]
    assert rows(make_planner(views, seed=8).pool(2)) != forward[2]


def test_batches_mix_directions_and_come_shuffled(views: list[DirectionView]) -> None:
    """Grouped by length, but neither by direction nor in order of length."""
    plan = make_planner(views, max_tokens=600, pool_size=3000).pool(0)
    full = [batch for batch in plan if len(batch) >= 12]
    assert np.mean([len(np.unique(batch.direction)) for batch in full]) > 4
    longest = np.array([max(sides(batch, views)) for batch in plan])
    assert abs(np.corrcoef(np.arange(len(plan)), longest)[0, 1]) < 0.5
    spread = [max(s) - min(s) for s in (sides(batch, views) for batch in plan)]
    assert np.median(spread) <= 3


def test_world_size_changes_nothing(views: list[DirectionView]) -> None:
    """Groups of 4 batches are the same for 4 processes, for 2 that take two each, and for 1."""
    planner = make_planner(views, pool_size=300)

    def taken(processes: int) -> list[tuple[int, int, int]]:
        per_process = [batches(planner, Position(), shard, processes) for shard in range(processes)]
        return [triple for _ in range(48 // processes) for it in per_process for triple in rows([next(it)[1]])]

    assert taken(4) == taken(2) == taken(1)


def test_resume_from_a_position(views: list[DirectionView]) -> None:
    """Going on from any position gives the rest of the sequence."""
    planner = make_planner(views, pool_size=300)
    sequence = batches(planner, Position(), 0, 2)
    seen = [next(sequence) for _ in range(30)]
    resumed = batches(planner, seen[11][0], 0, 2)
    assert [rows([next(resumed)[1]]) for _ in range(18)] == [rows([batch]) for _, batch in seen[12:]]


def test_too_long_is_counted(make_store: Callable[..., Store]) -> None:
    """Limits count tag and end-of-sentence; what exceeds them is left out of batches and counted by direction."""
    columns = {"en": [[5] * n for n in (1, 8, 9, 3, 0)], "de": [[6] * n for n in (1, 1, 1, 30, 40)]}
    store = make_store({("train", "a"): columns})
    views = direction_views(store, "train", [Direction("en", "de"), Direction("de", "en")])
    planner = make_planner(views, positions=10, pool_size=40)
    assert planner.too_long.tolist() == [2, 2]
    assert {row for _, _, row in rows(planner.pool(0))} == {0, 1}
    by_tokens = make_planner(views, max_tokens=10, pool_size=40)
    assert by_tokens.too_long.tolist() == [2, 2]
    assert all(len(batch) * max(sides(batch, views)) <= 10 for batch in by_tokens.pool(0))
    with pytest.raises(UserError, match="every example is longer than 2 source"):
        make_planner(views, positions=2).pool(0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(max_tokens=st.integers(3, 40), positions=st.integers(1, 40))
def test_too_long_against_every_length(views: list[DirectionView], max_tokens: int, positions: int) -> None:
    """Gaps, several corpora and both orders of a pair; one of the two limits counts."""
    limit = min(max_tokens, positions)
    planner = make_planner(views, max_tokens=max_tokens, positions=positions)
    for view, count in zip(views, planner.too_long.tolist(), strict=True):
        pairs = [view.pair(p, r) for p, r in zip(*(a.tolist() for a in view.locate(np.arange(len(view)))), strict=True)]
        assert count == sum(max(len(source), len(target)) + 2 > limit for source, target in pairs)


def test_padding_share(views: list[DirectionView], small_store: Store) -> None:
    """Of the positions of both sides, as collated."""
    planner = make_planner(views)
    pool = planner.pool(0)
    arrays = [collate(batch, views, small_store.vocabulary) for batch in pool]
    sides = [batch[name] for batch in arrays for name in ("src_tokens", "target")]
    padding = sum(int((side == 1).sum()) for side in sides)
    assert planner.padding_share(pool) == pytest.approx(padding / sum(side.size for side in sides))


def test_schedule_of_other_directions(views: list[DirectionView]) -> None:
    """Counts must be the views' own."""
    schedule = Schedule(np.array([1]), np.array([1.0]), 10, 0)
    with pytest.raises(ValueError, match="other directions"):
        BatchPlanner(
            views,
            schedule,
            max_tokens=10,
            max_sentences=None,
            seed=0,
            max_source_positions=9,
            max_target_positions=9,
        )


def test_collate(make_store: Callable[..., Store]) -> None:
    """Every array of a batch, written out."""
    store = make_store({("train", "a"): {"en": [[10, 11, 12], [13]], "de": [[20], [21, 22]]}})
    views = direction_views(store, "train", [Direction("en", "de"), Direction("de", "en")])
    batch = Batch(np.array([0, 1]), np.array([0, 0]), np.array([0, 1]))
    en, de = store.vocabulary.tag("en"), store.vocabulary.tag("de")
    arrays = collate(batch, views, store.vocabulary)
    assert arrays["src_tokens"].tolist() == [[en, 10, 11, 12, 2], [de, 21, 22, 2, 1]]
    assert arrays["src_lengths"].tolist() == [5, 4]
    assert arrays["prev_output_tokens"].tolist() == [[2, de, 20], [2, en, 13]]
    assert arrays["target"].tolist() == [[de, 20, 2], [en, 13, 2]]
    assert int(arrays["ntokens"]) == 6
    assert arrays["direction"].tolist() == [0, 1]
    assert arrays["id"].tolist() == [0, 1]
    assert all(array.dtype == np.int64 for array in arrays.values())
    towards = collate(batch, views, store.vocabulary, encoder_tag="tgt")
    assert towards["src_tokens"][:, 0].tolist() == [de, en]
    assert towards["target"].tolist() == arrays["target"].tolist()


def test_collate_tags_what_is_back_translated(make_store: Callable[..., Store]) -> None:
    """`<bt>` behind the language's tag, in the encoder alone, of that corpus alone, and only when it is asked for."""
    store = make_store(
        {("train", "a"): {"en": [[10]], "de": [[20]]}, ("train", "b"): {"en": [[11]], "de": [[21, 22]]}},
        origins={"b": "back_translated"},
        tags=TAGS,
    )
    vocabulary = store.vocabulary
    en, de, bt = vocabulary.tag("en"), vocabulary.tag("de"), vocabulary.origin_tags["back_translated"]
    batch = Batch(np.array([0, 0]), np.array([0, 1]), np.array([0, 0]))
    plain = direction_views(store, "train", [Direction("en", "de")])
    tagged = direction_views(store, "train", [Direction("en", "de")], vocabulary.origin_tags)
    assert collate(batch, plain, vocabulary)["src_tokens"].tolist() == [[en, 10, 2], [en, 11, 2]]
    arrays = collate(batch, tagged, vocabulary)
    assert arrays["src_tokens"].tolist() == [[en, 10, 2, 1], [en, bt, 11, 2]]
    assert arrays["src_lengths"].tolist() == [3, 4]
    assert arrays["target"].tolist() == [[de, 20, 2, 1], [de, 21, 22, 2]]
    towards = collate(batch, tagged, vocabulary, encoder_tag="tgt")
    assert towards["src_tokens"].tolist() == [[de, 10, 2, 1], [de, bt, 11, 2]]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(max_tokens=st.integers(6, 60))
def test_the_budget_counts_the_tag(make_store: Callable[..., Store], tmp_path: Path, max_tokens: int) -> None:
    """What `collate` makes of a batch is no larger than allowed; what is too long by the tag alone is left out."""
    if not (tmp_path / "store").exists():
        sentences = [[4] * (1 + i % 20) for i in range(60)]
        make_store(
            {("train", name): {"en": sentences, "de": [[5]] * 60} for name in "ab"},
            origins={"b": "back_translated"},
            tags=TAGS,
        )
    store = Store(tmp_path / "store")
    views = direction_views(store, "train", [Direction("en", "de")], store.vocabulary.origin_tags)
    planner = make_planner(views, max_tokens=max_tokens, pool_size=240)
    pool = planner.pool(0)
    arrays = [collate(batch, views, store.vocabulary) for batch in pool]
    assert all(a["src_tokens"].size <= max_tokens for a in arrays)
    assert planner.too_long[0] == sum(1 + i % 20 + extra > max_tokens for i in range(60) for extra in (2, 3))
    assert 2 * (120 - planner.too_long[0]) == sum(map(len, pool))


def test_collate_pads_right(make_store: Callable[..., Store]) -> None:
    """A shorter row ends in its end-of-sentence and padding; its decoder input has no end-of-sentence at the end."""
    store = make_store({("train", "a"): {"en": [[10], [11, 12, 13]], "de": [[20], [21, 22, 23]]}})
    views = direction_views(store, "train", [Direction("en", "de")])
    batch = Batch(np.array([0, 0]), np.array([0, 0]), np.array([0, 1]))
    de = store.vocabulary.tag("de")
    arrays = collate(batch, views, store.vocabulary)
    assert arrays["src_tokens"].shape == arrays["target"].shape == (2, 5)
    assert arrays["target"].tolist() == [[de, 20, 2, 1, 1], [de, 21, 22, 23, 2]]
    assert arrays["prev_output_tokens"].tolist() == [[2, de, 20, 1, 1], [2, de, 21, 22, 23]]
    assert int(arrays["ntokens"]) == 8
