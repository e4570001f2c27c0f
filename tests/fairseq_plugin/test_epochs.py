"""An epoch without an update is told before it begins; fairseq would end in the middle of its loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager

import fairseq.trainer
import pytest
from fairseq.data.iterators import EpochBatchIterator

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.trainer import Trainer


@pytest.fixture
def epochs_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Let fairseq's trainer, which stands below ours, have an iterator of some batches."""

    @contextmanager
    def have(make: Callable[[], Sized]) -> Iterator[None]:
        with monkeypatch.context() as patched:
            stock = Trainer.__mro__[1]
            assert stock.__module__ == fairseq.trainer.__name__
            patched.setattr(stock, "get_train_iterator", lambda *options, **more: make())
            yield

    return have


@pytest.mark.parametrize(
    ("batches", "skips", "update_freq", "epoch"),
    [(0, False, [1], 1), (3, True, [4], 1), (3, True, [1, 4], 2), (3, True, [1, 4], 7)],
)
def test_an_epoch_without_an_update(
    batches: int, skips: bool, update_freq: list[int], epoch: int, epochs_of, trainer: Callable[..., Trainer]
) -> None:
    made = trainer(optimization__update_freq=update_freq, optimization__skip_remainder_batch=skips)
    sentence = f"^an epoch has {batches} batches .* {update_freq[-1]}: "
    with epochs_of(lambda: range(batches)), pytest.raises(UserError, match=sentence):
        made.get_train_iterator(epoch)


@pytest.mark.parametrize(
    ("batches", "skips", "update_freq", "epoch"),
    [(3, False, [4], 1), (4, True, [4], 1), (3, True, [1, 4], 1)],
)
def test_an_epoch_with_one(
    batches: int, skips: bool, update_freq: list[int], epoch: int, epochs_of, trainer: Callable[..., Trainer]
) -> None:
    made = trainer(optimization__update_freq=update_freq, optimization__skip_remainder_batch=skips)
    with epochs_of(lambda: range(batches)):
        assert len(made.get_train_iterator(epoch)) == batches


def test_fairseqs_own_iterator_leaves_its_last_batch_out(epochs_of, trainer: Callable[..., Trainer]) -> None:
    made = trainer(optimization__update_freq=[4], optimization__skip_remainder_batch=True)

    class Stock(EpochBatchIterator):
        def __init__(self, batches: int) -> None:
            self.batches = batches

        def __len__(self) -> int:
            return self.batches

    with epochs_of(lambda: Stock(4)), pytest.raises(UserError, match=r"^an epoch has 3 batches"):
        made.get_train_iterator(1)
    with epochs_of(lambda: Stock(5)):
        assert len(made.get_train_iterator(1)) == 5
