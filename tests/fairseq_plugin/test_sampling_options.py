"""The task's options of sampling: what is refused, and what the training sees by them."""

from __future__ import annotations

import itertools
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fairseq.data.iterators import GroupedIterator
from omegaconf import DictConfig, OmegaConf

from mtdeep.corpus import Store, StoreWriter, Vocabulary, blocks_of
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.options import ManyToManyTranslationConfig, check
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask
from mtdeep.fairseq_plugin.train_iterator import VirtualEpochIterator

FREE = Vocabulary(tuple(f"p{i}" for i in range(60)), ("en", "de"))
TAGGED = Vocabulary(FREE.pieces, (*FREE.tags, "<bt>"))
LIMITS = {"max_tokens": 60, "max_sentences": None, "max_positions": (40, 40), "required_batch_size_multiple": 1}


def options(data: str = "store", **changes: Any) -> DictConfig:
    cfg = ManyToManyTranslationConfig(data=data, batch_pool=50, updates_per_epoch=30, **changes)
    common = {"seed": 3, "update_freq": [1], "max_epoch": 0, "max_update": 20, "train_subset": "train", "save_dir": "."}
    return OmegaConf.merge(OmegaConf.structured(cfg), common)


def write(path: Path, vocabulary: Vocabulary) -> Path:
    """Thirty human pairs, ninety back-translated ones with other words."""
    rng = np.random.default_rng(4)
    with StoreWriter(path, vocabulary, b"") as writer:
        for name, rows, low, provenance in (("news", 30, 4, {}), ("bt", 90, 34, {"origin": "back_translated"})):
            columns = {
                code: blocks_of(rng.integers(low, low + 30, n) for n in rng.integers(2, 9, rows)) for code in FREE.tags
            }
            writer.add_corpus(name, "train", columns, provenance=provenance)
        writer.finish({})
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tagged") / "store", TAGGED)


def start(store: Path, shards: int = 1, shard: int = 0, **changes: Any) -> VirtualEpochIterator:
    task = ManyToManyTranslationTask.setup_task(options(str(store), **changes))
    task.load_dataset("train", combine=True)
    return task.get_batch_iterator(task.datasets["train"], num_shards=shards, shard_id=shard, epoch=1, **LIMITS)


def updates(epochs: VirtualEpochIterator, count: int) -> list[np.ndarray]:
    drawn = itertools.islice(GroupedIterator(epochs.next_epoch_itr(), 1), count)
    return [batch["net_input"]["src_tokens"].numpy() for (batch,) in drawn]


CAP = {"sampling_max_epochs": 2.0, "sampling_budget": 100}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sampling_temperature": 0.0}, "--sampling-temperature is 0, but must be above 0."),
        ({"sampling_temperature": float("nan")}, "--sampling-temperature is nan, but must be above 0."),
        (
            {"sampling_method": "unimax"},
            "--sampling-method unimax needs --sampling-max-epochs and --sampling-budget.",
        ),
        (
            {"sampling_method": "capped", "sampling_budget": 0},
            "--sampling-budget is 0, but must be above 0; --sampling-method capped needs --sampling-max-epochs.",
        ),
        (
            {"sampling_method": "unimax", "sampling_temperature": 2.0, **CAP},
            "--sampling-temperature would have no effect with --sampling-method unimax; leave that out.",
        ),
        (
            dict(CAP),
            "--sampling-max-epochs and --sampling-budget would have no effect with --sampling-method temperature; "
            "leave that out.",
        ),
        (
            {"sampling_method": "w.txt", "sampling_temperature": 1.0},
            "--sampling-temperature would have no effect with --sampling-method w.txt; leave that out.",
        ),
        (
            {"sampling_method": "capped", **CAP, "sampling_max_epochs": float("inf")},
            "--sampling-max-epochs is inf, but must be finite; no limit is --sampling-method temperature.",
        ),
        ({"sampling_method": "concat"}, "--sampling-method concat: here it is --sampling-temperature 1."),
        (
            {"sampling_method": "uniform", "sampling_temperature": 2.0},
            "--sampling-method uniform: here it is --sampling-temperature inf.",
        ),
        (
            {"origin_weights": "mined", "updates_per_epoch": 0},
            "--updates-per-epoch is 0, but must be at least 1; --origin-weights: the weight '' is not a number; "
            "write one such as 0.5.",
        ),
    ],
)
def test_options_without_sense_are_told_in_one_message(changes: dict[str, Any], sentence: str) -> None:
    cfg = OmegaConf.merge(options(), changes)
    with pytest.raises(UserError) as error:
        check(cfg)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "changes",
    [{}, {"sampling_method": "unimax", **CAP}, {"sampling_method": "capped", "sampling_temperature": 1.0, **CAP}],
)
def test_options_with_sense(changes: dict[str, Any]) -> None:
    check(options(**changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sampling_method": "unimx"}, "unimx: cannot be read"),
        ({"sampling_method": "unimax", **CAP, "sampling_budget": 481}, "more than --sampling-max-epochs 2 .* 480 "),
        ({"origin_weights": "mined=2"}, "--origin-weights names mined, but these directions have only back_translated"),
    ],
)
def test_what_the_data_refuse(store: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        start(store, **changes)


def test_the_start_says_shares_and_padding(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    """UniMax with half a weight for what is back-translated: 30 + 90/2 pairs, so 2 of 5 draws are human."""
    with caplog.at_level(logging.INFO, "mtdeep"):
        start(store, sampling_method="unimax", origin_weights="back_translated=0.5", directions="en-de", **CAP)
    log = caplog.text
    drawn = int(re.search(r"20 updates draw about ([\d,]+) sentence pairs; [\d.]+% of what their batches hold", log)[1])
    assert "1 directions, 120 sentence pairs" in log
    assert f"en-de (human): 30 pairs, 40.00% of those drawn, each seen about {0.4 * drawn / 30:.3g} times" in log
    assert f"en-de (back_translated): 90 pairs, 60.00% of those drawn, each seen about {0.6 * drawn / 90:.3g}" in log
    assert "more than --sampling-budget 100" in log
    caplog.clear()
    start(store, sampling_method="unimax", directions="en-de", sampling_max_epochs=9.0, sampling_budget=1000)
    assert "more than" not in caplog.text


def test_back_translated_sources_begin_with_their_tag(store: Path) -> None:
    bt = TAGGED.origin_tags["back_translated"]
    rows = [row for batch in updates(start(store, tag_back_translated=True), 20) for row in batch.tolist()]
    assert {row[1] for row in rows if max(row[2:]) < 34} & {bt} == set()
    assert {row[1] for row in rows if row[1] == bt or 34 <= row[1] < 64} == {bt}
    assert all(bt not in row for batch in updates(start(store), 20) for row in batch.tolist())


def test_sizes_count_the_tag(store: Path) -> None:
    task = ManyToManyTranslationTask.setup_task(options(str(store), tag_back_translated=True))
    task.load_dataset("train")
    examples = task.datasets["train"]
    sample = examples.collater(range(len(examples)))
    assert examples.lengths[0].tolist() == sample["net_input"]["src_lengths"].tolist()
    assert examples.lengths[1].tolist() == (sample["target"] != TAGGED.pad).sum(1).tolist()


def test_a_tag_that_nothing_has_is_refused(store: Path, tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", FREE)
    with pytest.raises(UserError, match=r"the vocabulary of .*plain has no <bt>; leave that out"):
        start(plain, tag_back_translated=True)
    with StoreWriter(tmp_path / "human", TAGGED, b"") as writer:
        writer.add_corpus("a", "train", {c: blocks_of([np.array([5, 6])]) for c in ("en", "de")}, provenance={})
        writer.finish({})
    with pytest.raises(UserError, match="these directions have no back-translated text; leave it out"):
        start(tmp_path / "human", tag_back_translated=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"sampling_method": "unimax", **CAP},
        {"sampling_method": "capped", **CAP, "origin_weights": "back_translated=0.3"},
        {"sampling_method": "FILE", "tag_back_translated": True},
    ],
)
def test_resume_over_other_processes_is_exact(store: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    """Two updates of two processes, then one process that takes both shares: the same batches."""
    if changes["sampling_method"] == "FILE":
        (tmp_path / "w").write_text("news 1\nbt 2\n")
        changes = {**changes, "sampling_method": str(tmp_path / "w")}
    pair = [start(store, 2, rank, **changes) for rank in range(2)]
    seen = [updates(rank, 6) for rank in pair]
    single = start(store, **changes)
    stop = start(store, 2, 0, **changes)
    updates(stop, 2)
    single.load_state_dict(stop.state_dict())
    rest = updates(single, 8)
    expected = [seen[i % 2][2 + i // 2] for i in range(8)]
    assert all(np.array_equal(one, other) for one, other in zip(rest, expected, strict=True))
    with pytest.raises(UserError, match="--reset-dataloader"):
        start(store).load_state_dict(stop.state_dict())


def test_stores_stay_as_they_are(store: Path) -> None:
    """The tag is added to batches and never stored."""
    corpus = Store(store).corpora("train")[1]
    assert all(corpus.sentence(code, row).max() < TAGGED.first_tag for code in ("en", "de") for row in range(90))
