"""The log before a training counts the updates that there will be."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from mtdeep.fairseq_plugin.trainer import Trainer


@pytest.mark.parametrize(
    ("limits", "updates"),
    [
        ({"max_update": 5, "max_epoch": 0}, 5),
        ({"max_update": 0, "max_epoch": 2}, 6),
        ({"max_update": 5, "max_epoch": 1}, 3),
        ({"max_update": 5, "max_epoch": 4}, 5),
        ({"max_update": 0, "max_epoch": 0}, 3),  # one epoch of a training without end
    ],
)
def test_the_plan_counts_what_ends_first(
    limits: dict[str, int], updates: int, trainer: Callable[..., Trainer], caplog: pytest.LogCaptureFixture
) -> None:
    flags = [word for name, limit in limits.items() for word in (f"--{name.replace('_', '-')}", limit)]
    with caplog.at_level(logging.INFO, "mtdeep"):
        trainer("--updates-per-epoch", 3, *flags).get_train_iterator(epoch=1)
    assert f"{updates} updates draw about" in caplog.text
    assert f"times in {updates} updates" in caplog.text
