"""The function that stops fairseq's loop early: --patience's count is its own, and others may stop it, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fairseq.dataclass.configs import CheckpointConfig
from fairseq_cli import train as loop

from mtdeep.fairseq_plugin import validation_history
from mtdeep.fairseq_plugin.early_stopping import early_stopping, stop_also


class Settings:
    checkpoint = CheckpointConfig(patience=2)


@pytest.fixture(autouse=True)
def another_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(loop, "should_stop_early", loop.should_stop_early)
    validation_history.restore(Settings.checkpoint, None, anew=True)
    yield
    validation_history.restore(Settings.checkpoint, None, anew=True)


def test_both_may_stop_it_and_patience_counts_on() -> None:
    asked = False
    stop_also(lambda: asked)
    assert [loop.should_stop_early(Settings, loss) for loss in (3.0, 3.0)] == [False, False]
    asked = True
    assert loop.should_stop_early(Settings, 2.0)
    asked = False
    assert [loop.should_stop_early(Settings, loss) for loss in (2.0, 2.0)] == [False, True]
    assert validation_history.validation_history(Settings.checkpoint)["num_runs"] == 2


def test_an_earlier_training_stops_nothing() -> None:
    stop_also(lambda: True)
    stop_also(lambda: False)
    assert not loop.should_stop_early(Settings, 3.0)
    assert loop.should_stop_early in early_stopping()
