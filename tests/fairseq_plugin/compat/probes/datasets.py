"""Probes of data sets, and of the threads and processes that load their batches."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.process
import os
import subprocess
import sys
import time
import warnings
import weakref
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch
from commands import run_patched
from fairseq.data import Dictionary, LanguagePairDataset, ListDataset, data_utils, indexed_dataset, iterators
from fairseq.data.iterators import EpochBatchIterator
from fairseq.data.token_block_dataset import TokenBlockDataset
from folder import FOLDER


def numpy_aliases_data_utils() -> None:
    assert len(data_utils.get_buckets(np.arange(1, 100), 4)) == 4
    mask = data_utils.compute_mask_indices((2, 50), None, 0.5, 5, no_overlap=True)
    assert mask.any()


def numpy_aliases_language_pair_dataset() -> None:
    lengths = [2, 3, 5]
    rows = ListDataset([torch.tensor([4] * length) for length in lengths], lengths)
    words = Dictionary()
    words.add_symbol("a")
    pairs = LanguagePairDataset(rows, np.array(lengths), words, rows, np.array(lengths), words, num_buckets=2)
    assert len(pairs.buckets) == 2


def numpy_aliases_token_block_dataset() -> None:
    rows = [torch.tensor([5, 6, 2]), torch.tensor([7, 2])]
    TokenBlockDataset(rows, np.array([3, 2]), None, pad=1, eos=2, break_mode="eos")


def indexed_places() -> None:
    """As the merged counts of two workers: a sentence of 2 GiB, and the one behind it."""
    builder = indexed_dataset.MMapIndexedDatasetBuilder(str(FOLDER / "places.bin"), dtype=np.uint16)
    builder._sizes = list(np.array([1 << 30, 3], dtype=np.int32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builder.finalize(str(FOLDER / "places.idx"))
    place = int(np.fromfile(FOLDER / "places.idx", dtype="<i8", offset=26 + 2 * 4)[1])
    assert place == 2 << 30, f"at {place}"


def pinned_memory() -> None:
    rows = ListDataset([torch.tensor([4]), torch.tensor([5])], [1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = EpochBatchIterator(rows, torch.stack, [[0], [1]]).next_epoch_itr(shuffle=False)
        assert [batch.tolist() for batch in batches] == [[[4]], [[5]]]
        # Batches of languages in turn are loaded without asking.
        assert not iterators.torch.utils.data.DataLoader(rows).pin_memory


def data_workers() -> None:
    """A data worker that starts after the process that wanted it has gone."""
    begun: list[int] = []
    options = {"num_workers": 1, "pin_memory": False, "worker_init_fn": begun.append}
    worker = iterators.torch.utils.data.DataLoader([1], **options).worker_init_fn
    if (child := os.fork()) == 0:
        multiprocessing.process._parent_process = SimpleNamespace(pid=-1)
        worker(0)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1, "still waits for work"
    worker(3)  # here nobody has gone
    assert begun == [3]


def collected_workers() -> None:
    """Data workers of an iterator that nobody needs any more, without the garbage collector."""
    rows = ListDataset([torch.tensor([4]), torch.tensor([5])], [1, 1])
    gc.disable()
    others = multiprocessing.active_children()
    with warnings.catch_warnings(), mock.patch.dict(os.environ):  # fairseq's workers change it
        warnings.simplefilter("ignore")
        batches = EpochBatchIterator(rows, torch.stack, [[0], [1]], num_workers=1, buffer_size=1)
        assert len(list(batches.next_epoch_itr(shuffle=False))) == 2
    (worker,) = set(multiprocessing.active_children()) - set(others)
    gone = weakref.ref(batches)
    del batches
    gc.enable()
    assert gone() is None, "is left to the garbage collector"
    # The thread that loads batches may be the last to need it, and waits for its end then. Of two threads that wait for
    # a process, one may see for a moment that it has ended without an exit code: hence no `join` here.
    deadline = time.monotonic() + 60
    while worker.exitcode is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert worker.exitcode == 0, f"exit code {worker.exitcode}"


def background_consumer() -> None:
    """A process that ends while its thread is in the middle of torch."""
    done = run_patched(
        "import itertools, queue, torch",
        "from fairseq.data.iterators import BackgroundConsumer",
        "batches = (torch.randn(200, 200) @ torch.randn(200, 200) for _ in itertools.count())",
        "buffer = queue.Queue(1_000_000)",
        "consumer = BackgroundConsumer(buffer, batches, None, None)",
        "consumer.daemon = True  # as fairseq starts it",
        "consumer.start()",
        "buffer.get()",
    )
    assert done.returncode == 0, done.stderr


def tracker_warning() -> None:
    """A process that ends without removing its semaphore, with what fairseq's iterators have put in the environment."""
    EpochBatchIterator(ListDataset([torch.zeros(1)], [1]), torch.stack, [[0]], num_workers=1).next_epoch_itr()
    leak = "import multiprocessing, os; s = multiprocessing.get_context('spawn').Semaphore(); os._exit(0)"
    done = subprocess.run([sys.executable, "-c", leak], capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr


PROBES = (
    numpy_aliases_data_utils,
    numpy_aliases_language_pair_dataset,
    numpy_aliases_token_block_dataset,
    indexed_places,
    pinned_memory,
    data_workers,
    collected_workers,
    background_consumer,
    tracker_warning,
)
