"""What goes to the processes that load data: datasets as plain data, however those processes are started."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq import options, tasks
from fairseq.data import FairseqDataset
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from torch.utils.data import DataLoader

from mtdeep.corpus import Direction, direction_views
from mtdeep.fairseq_plugin import datasets
from mtdeep.fairseq_plugin.datasets import DirectionsDataset
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask

NUMBERS = [3, 0, 25]


@pytest.fixture(scope="module")
def task(toy_store: Path, tiny: list[str]) -> ManyToManyTranslationTask:
    """The task as fairseq makes it of a command line: its options are fairseq's choices where they have some."""
    args = options.parse_args_and_arch(options.get_training_parser(), [str(toy_store), *tiny, "-s", "en", "-t", "de"])
    task = tasks.setup_task(convert_namespace_to_omegaconf(args).task)
    task.load_dataset("train", combine=True)
    task.load_dataset("valid")
    return task


@pytest.fixture(scope="module")
def every_dataset(task: ManyToManyTranslationTask) -> list[FairseqDataset]:
    typed = task.build_dataset_for_inference([torch.tensor([5, 6, 2])], [3])
    return [task.dataset("train"), task.dataset("valid"), typed]


def equal(a: object, b: object) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    return torch.equal(a, b) if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) else a == b


def test_every_dataset_can_be_pickled_and_collates_the_same_after_it(every_dataset) -> None:
    ours = {kind for kind in vars(datasets).values() if isinstance(kind, type) and kind.__module__ == datasets.__name__}
    assert {type(dataset) for dataset in every_dataset} == {kind for kind in ours if issubclass(kind, FairseqDataset)}
    for dataset in every_dataset:
        collater = pickle.loads(pickle.dumps(dataset.collater))
        numbers = [number for number in NUMBERS if number < len(dataset)]
        items = [dataset[number] for number in numbers]
        assert equal(collater(items), dataset.collater(items))


def test_lengths_stay_here(task: ManyToManyTranslationTask) -> None:
    """They are needed to make batches, and not to load them."""
    dataset = task.dataset("train")
    before = len(pickle.dumps(dataset))
    assert dataset.sizes.max() > 0
    assert len(pickle.dumps(dataset)) == before < 20_000
    assert np.array_equal(pickle.loads(pickle.dumps(dataset)).sizes, dataset.sizes), "they can be found again"


@pytest.mark.parametrize(
    "method", ["fork", *(pytest.param(method, marks=pytest.mark.slow) for method in ("spawn", "forkserver"))]
)
def test_workers_started_in_any_way(task: ManyToManyTranslationTask, method: str) -> None:
    dataset = task.dataset("valid")
    batches = [[0, 1], [2, 19], [7]]
    loader = DataLoader(
        dataset, collate_fn=dataset.collater, batch_sampler=batches, num_workers=1, multiprocessing_context=method
    )
    for sample, numbers in zip(loader, batches, strict=True):
        assert equal(sample, dataset.collater(numbers))


def test_of_no_examples_the_batch_is_empty(write_store, tmp_path: Path) -> None:
    """fairseq fills up the last round of several processes so, and puts a batch that it ignores in its place."""
    rows = {"en": ["one two three", "two three"] * 5, "de": ["eins zwei drei", "zwei drei"] * 5}
    store = write_store(tmp_path / "store", ("en", "de"), {("toy", "valid"): rows}, 18)
    dataset = DirectionsDataset(direction_views(store, "valid", [Direction("en", "de")]), store.vocabulary, "src")
    assert dataset.collater([]) == {}
    assert dataset.collater([1, 0])["nsentences"] == 2
