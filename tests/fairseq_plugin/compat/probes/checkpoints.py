"""Probes of checkpoints, written and read."""

from __future__ import annotations

import argparse
import errno
import resource
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from fairseq import checkpoint_utils
from fairseq.dataclass.configs import CheckpointConfig
from fairseq.file_io import PathManager
from folder import FOLDER


def torch_load() -> None:
    state = {
        "cfg": {"model": argparse.Namespace(arch="transformer")},
        "loss": np.float64(1.5),
        "steps": np.int64(3),
        "small": np.float32(0.5),
    }
    torch.save(state, FOLDER / "plain.pt")
    read = torch.load(FOLDER / "plain.pt")
    assert read["cfg"]["model"].arch == "transformer"
    assert (read["loss"], read["steps"], read["small"]) == (1.5, 3, 0.5)


def plain_checkpoints() -> None:
    checkpoint_utils.torch_persistent_save({"counts": np.arange(3)}, str(FOLDER / "counts.pt"))
    kind = type(torch.load(FOLDER / "counts.pt", weights_only=False)["counts"])
    assert kind is list, f"counts are a {kind.__name__}"


def checkpoint_errors() -> None:
    (FOLDER / "text.pt").write_text("hello world")
    try:
        checkpoint_utils.load_checkpoint_to_cpu(str(FOLDER / "text.pt"))
    except Exception as problem:
        assert type(problem).__name__ == "UserError", type(problem).__name__


def half_checkpoints() -> None:
    """The limit on a file's size stands for a full disk."""
    folder = FOLDER / "full"
    folder.mkdir()
    path = str(folder / "checkpoint1.pt")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, hard))
    try:
        checkpoint_utils.torch_persistent_save({"model": torch.ones(1 << 14)}, path)
    except OSError as error:
        assert not list(folder.iterdir()), "half a checkpoint is left"
        assert (error.errno, error.filename) == (errno.EFBIG, path)
    else:
        raise AssertionError("it was written")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def checkpoint_copies() -> None:
    """A reader that has the old file open must not see it change."""
    old, new = FOLDER / "checkpoint_last.pt", FOLDER / "checkpoint1.pt"
    old.write_text("old")
    new.write_text("new")
    with open(old) as reader:
        assert PathManager.copy(str(new), str(old), overwrite=True)
        assert reader.read() == "old", "the old file was written over"
    assert old.read_text() == new.read_text() == "new"
    assert PathManager.copy(str(new), str(old), overwrite=True)
    assert sorted(path.name for path in FOLDER.glob("checkpoint*")) == ["checkpoint1.pt", "checkpoint_last.pt"]


def update_checkpoints() -> None:
    """Three epochs of five updates, a checkpoint at every five; the training is a stand-in."""
    folder = FOLDER / "updates"
    cfg = CheckpointConfig(save_dir=str(folder), save_interval_updates=5, keep_interval_updates=2)
    for epoch in (1, 2, 3):
        trainer = SimpleNamespace(
            data_parallel_rank=0,
            data_parallel_world_size=1,
            consolidate_optimizer=lambda: None,
            should_save_checkpoint_on_current_rank=True,
            get_num_updates=partial(int, 5 * epoch),
            checkpoint_suffix="",
            save_checkpoint=lambda filename, extra_state: Path(filename).write_text("state"),
            source_watch=SimpleNamespace(end_training=lambda: None),
            has_news=True,
        )
        position = SimpleNamespace(epoch=epoch, end_of_epoch=lambda: True, state_dict=dict)
        checkpoint_utils.save_checkpoint(cfg, trainer, position, 2.0)
    names = sorted(path.name for path in folder.iterdir())
    updates = ["checkpoint_2_10.pt", "checkpoint_3_15.pt"]
    expected = [f"checkpoint{epoch}.pt" for epoch in (1, 2, 3)] + [*updates, "checkpoint_best.pt", "checkpoint_last.pt"]
    assert names == expected, names


PROBES = (
    torch_load,
    plain_checkpoints,
    checkpoint_errors,
    half_checkpoints,
    checkpoint_copies,
    update_checkpoints,
)
