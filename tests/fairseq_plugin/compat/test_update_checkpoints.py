"""What fairseq saves at the end of an epoch that is also due by its updates; the training is a stand-in."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fairseq import checkpoint_utils
from fairseq.dataclass.configs import CheckpointConfig

INTERVAL, EPOCH = 5, 10


@pytest.fixture(autouse=True)
def a_training_of_its_own() -> Any:
    vars(checkpoint_utils.save_checkpoint).pop("best", None)
    yield
    vars(checkpoint_utils.save_checkpoint).pop("best", None)


class Trainer:
    """Notes what is asked of it, and writes its number of updates for a checkpoint."""

    data_parallel_rank = 0
    data_parallel_world_size = 1
    checkpoint_suffix = ""
    always_call_state_dict_during_save_checkpoint = False
    source_watch = SimpleNamespace(end_training=lambda: None)
    has_news = True

    def __init__(self, *, saves: bool = True) -> None:
        self.should_save_checkpoint_on_current_rank = saves
        self.updates, self.gathered = 0, 0
        self.saved: list[tuple[str, dict[str, Any]]] = []

    def get_num_updates(self) -> int:
        return self.updates

    def consolidate_optimizer(self) -> None:
        self.gathered += 1

    def save_checkpoint(self, filename: str, extra_state: dict[str, Any]) -> None:
        self.saved.append((Path(filename).name, extra_state))
        Path(filename).write_text(str(self.updates))


def train(cfg: CheckpointConfig, trainer: Trainer, scores: list[float | None]) -> None:
    """Save at every INTERVAL updates, as fairseq's loop does, in epochs of EPOCH updates."""
    for number, score in enumerate(scores, start=1):
        trainer.updates = number * INTERVAL
        position = SimpleNamespace(
            epoch=(trainer.updates - 1) // EPOCH + 1,
            end_of_epoch=partial(bool, trainer.updates % EPOCH == 0),
            state_dict=lambda: {"updates": trainer.updates},
        )
        checkpoint_utils.save_checkpoint(cfg, trainer, position, score)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_name_holds_what_it_says(tmp_path: Path) -> None:
    trainer = Trainer()
    train(CheckpointConfig(save_dir=str(tmp_path), save_interval_updates=5), trainer, [4.0, 3.0, 2.0, 3.5])
    assert contents(tmp_path) == {
        "checkpoint_1_5.pt": "5",
        "checkpoint_1_10.pt": "10",
        "checkpoint1.pt": "10",
        "checkpoint_2_15.pt": "15",
        "checkpoint_2_20.pt": "20",
        "checkpoint2.pt": "20",
        "checkpoint_best.pt": "15",
        "checkpoint_last.pt": "20",
    }
    written = [name for name, _ in trainer.saved]
    assert written == ["checkpoint_1_5.pt", "checkpoint_1_10.pt", "checkpoint_2_15.pt", "checkpoint_2_20.pt"]
    assert trainer.saved[-1][1] == {"train_iterator": {"updates": 20}, "val_loss": 3.5, "best": 2.0}
    assert trainer.gathered == 4, "once a save"
    assert not (tmp_path / "checkpoint2.pt").samefile(tmp_path / "checkpoint_2_20.pt")


def test_what_is_no_longer_kept_goes_at_the_end_of_an_epoch_too(tmp_path: Path) -> None:
    cfg = CheckpointConfig(
        save_dir=str(tmp_path), save_interval_updates=10, keep_interval_updates=2, keep_last_epochs=1,
        keep_best_checkpoints=1,
    )  # fmt: skip
    train(cfg, Trainer(), [5.0, 4.0, 3.0, 2.0, 1.0, 1.5])
    names = sorted(contents(tmp_path))
    best = [name for name in names if name.startswith("checkpoint.best")]
    assert len(best) == 1 and "loss_1.00" in best[0]
    assert [name for name in names if name not in best] == [
        "checkpoint3.pt", "checkpoint_2_20.pt", "checkpoint_3_30.pt", "checkpoint_best.pt", "checkpoint_last.pt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "options", [{"no_epoch_checkpoints": True}, {"save_interval": 2}, {"no_last_checkpoints": True}], ids=str
)
def test_other_options_still_hold(tmp_path: Path, options: dict[str, Any]) -> None:
    train(CheckpointConfig(save_dir=str(tmp_path), save_interval_updates=5, **options), Trainer(), [None, None])
    expected = {"checkpoint_1_5.pt", "checkpoint_1_10.pt", "checkpoint1.pt", "checkpoint_last.pt"}
    expected -= {"checkpoint_last.pt"} if "no_last_checkpoints" in options else {"checkpoint1.pt"}
    assert set(contents(tmp_path)) == expected


def test_nothing_is_saved_where_nothing_shall_be(tmp_path: Path) -> None:
    train(CheckpointConfig(save_dir=str(tmp_path), save_interval_updates=5, no_save=True), Trainer(), [1.0, 1.0])
    train(CheckpointConfig(save_dir=str(tmp_path), save_interval_updates=5), other := Trainer(saves=False), [1.0, 1.0])
    assert contents(tmp_path) == {}
    assert other.gathered == 2, "every process takes part, once a save"
